"""Who may import whom, read from the sources: a layer that leaks shows here before it costs anything."""

import ast
import re
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

import ghostflow_learn

PACKAGE = Path(ghostflow_learn.__file__).parent
ROOT = PACKAGE.parent
OURS = PACKAGE.name
STANDARD = sys.stdlib_module_names

# What a layer may import from outside the standard library.
ALLOWED = {
    "reference": {"numpy", "scipy"},
    "cpu": {"numpy", "scipy", "numba", "llvmlite", "threadpoolctl"},
    "cuda": {"numpy", "cupy", "cupyx"},
    "_cuda": {"numpy"},
    "_engine": {"numpy", "scipy"},
    "foundation": {"numpy", "scipy", "sklearn", "joblib"},
    "estimators": {"numpy", "scipy", "sklearn", "joblib"},
}
# And what is heavy or optional: inside functions only.
INSIDE = {
    "cuda": {"torch"},
    "_cuda": {"cupy"},
    "_engine": {"cupy", "torch", "pandas"},
    "foundation": {"cupy", "numba", "pandas", "skl2onnx"},
    "estimators": {"pandas", "matplotlib", "pyarrow", "onnx"},
}
MAY_USE_PRIVATE_SKLEARN = {"_config", "_patch", "_validation"}


class Import(NamedTuple):
    source: Path
    line: int
    module: str  # absolute, with the imported name at its end
    inside_function: bool

    def __str__(self):
        return f"{self.source.relative_to(ROOT)}:{self.line} imports {self.module}"


def imports_of(path):
    """Every import in a file, relative ones made absolute; `importlib.import_module("...")` of a constant counts."""
    tree = ast.parse(path.read_text())
    functions = [node for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef, ast.Lambda))]
    inside = {id(child) for function in functions for child in ast.walk(function)}
    for node in ast.walk(tree):
        for module in modules_of(node, path):
            yield Import(path, node.lineno, module, id(node) in inside)


def modules_of(node, path):
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        base = node.module or ""
        if node.level:
            folder = path.parents[node.level - 1].relative_to(ROOT)
            base = ".".join([*folder.parts, *([node.module] if node.module else [])])
        return [f"{base}.{alias.name}" for alias in node.names]
    if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("import_module") and node.args:
        name = node.args[0]
        return [name.value] if isinstance(name, ast.Constant) else []
    return []


def layer_of(path):
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    if parts[0] == "_engine":
        return parts[1] if parts[1] in {"reference", "cpu", "cuda"} else "_engine"
    if parts[0] == "_cuda":
        return "_cuda"
    return "foundation" if parts[0].startswith("_") or parts[0] == "onnx" else "estimators"


SOURCES = sorted(path for path in PACKAGE.rglob("*.py") if "__pycache__" not in path.parts)
IMPORTS = [found for path in SOURCES for found in imports_of(path)]


def test_layers_import_only_the_packages_they_are_for():
    strangers = []
    for found in IMPORTS:
        package, layer = found.module.split(".")[0], layer_of(found.source)
        allowed = ALLOWED[layer] | (INSIDE.get(layer, set()) if found.inside_function else set())
        if package not in {OURS, *STANDARD, *allowed}:
            strangers.append(str(found))
    assert not strangers


def test_an_engine_imports_no_estimator_and_no_other_engine():
    leaks = []
    for found in IMPORTS:
        layer, parts = layer_of(found.source), found.module.split(".")
        if layer not in {"reference", "cpu", "cuda"} or parts[0] != OURS:
            continue
        shared = parts[1] == "_config" or (parts[1] == "_cuda" and layer == "cuda")
        if parts[1] == "_engine":
            other_engine = len(parts) > 2 and parts[2] in {"reference", "cpu", "cuda"} - {layer}
            shared = not other_engine or found.source.name == "_bridge.py"
        if not shared:
            leaks.append(str(found))
    assert not leaks


def test_estimators_reach_an_engine_only_through_get_engine():
    allowed = {f"{OURS}._engine.get_engine", f"{OURS}._config.get_config", f"{OURS}.__version__"}
    families = ("_boosting", "_mlp", "_neural", "_trees")
    handed_over = {f"{OURS}._engine.{name}" for name in families}  # what ops take and return
    private = []
    for found in IMPORTS:
        if layer_of(found.source) != "estimators" or not found.module.startswith(f"{OURS}._"):
            continue
        shared = found.module.split(".")[1] in {"_validation", "_base", "_names"}
        if not shared and found.module not in allowed and found.module.rpartition(".")[0] not in handed_over:
            private.append(str(found))
    assert not private


def test_private_names_of_scikit_learn_are_imported_in_three_places():
    private = []
    for found in IMPORTS:
        parts = found.module.split(".")
        place = found.source.relative_to(PACKAGE).with_suffix("").parts[0]
        if parts[0] == "sklearn" and place not in MAY_USE_PRIVATE_SKLEARN:
            private += [str(found)] if any(re.match("_[^_]", part) for part in parts) else []
    assert not private


@pytest.mark.parametrize("folder", ["examples", "benchmarks"])
def test_examples_and_benchmarks_use_public_names_only(folder):
    sources = sorted((ROOT / folder).rglob("*.py"))
    assert sources
    private = [
        str(found)
        for path in sources
        for found in imports_of(path)
        if found.module.startswith(OURS) and any(part.startswith("_") for part in found.module.split("."))
    ]
    assert not private


def test_importing_every_sub_package_loads_nothing_heavy():
    packages = [f"{OURS}.{path.parent.name}" for path in PACKAGE.glob("[!_]*/__init__.py")]
    theirs = [package.replace(OURS, "sklearn") for package in packages if package != f"{OURS}.neural"]
    assert theirs
    code = (
        f"import sys, {', '.join(theirs)}\n"
        "before = set(sys.modules)\n"
        f"import {', '.join(packages)}\n"
        "print(sorted({'numba', 'cupy', 'torch', 'pandas', 'matplotlib'} & (sys.modules.keys() - before)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert done.stdout.strip() == "[]", done.stdout + done.stderr
