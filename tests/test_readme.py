"""What the documents say is true: their code runs, and their figures are the committed measurements."""

import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "docs" / "guide.md"]
PYTHON = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\((?!https?:)([^)#]+)")


@pytest.fixture
def benchmarks(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    yield
    for name in "readme", "_harness", "_report":
        sys.modules.pop(name, None)


@pytest.mark.parametrize("path", [ROOT / "README.md", ROOT / "docs" / "guide.md"], ids=lambda path: path.name)
def test_the_python_in_a_document_runs(path):
    blocks = PYTHON.findall(path.read_text())
    assert blocks
    names = {}
    for block in blocks:
        exec(compile(block, str(path), "exec"), names)


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_somewhere(path):
    missing = [link for link in LINK.findall(path.read_text()) if not (path.parent / link).exists()]
    assert not missing


def test_the_figures_of_the_readme_are_the_committed_measurements(benchmarks):
    import readme

    text = (ROOT / "README.md").read_text()
    begin, end = text.index(readme.BEGIN), text.index(readme.END) + len(readme.END)
    assert text[begin:end] == readme.measured(), "run: python benchmarks/readme.py"


def test_the_make_targets_of_the_documents_exist():
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    found = [re.findall(r"(?:`|^)make ([a-z-]+)", path.read_text(), re.MULTILINE) for path in DOCUMENTS]
    named = {name for names in found for name in names}
    assert {"demo", "test"} <= named <= targets
