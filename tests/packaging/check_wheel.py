"""Build wheel and sdist, look inside, install the wheel in a clean environment and use it there.

    python tests/packaging/check_wheel.py

The installed copy is used from a folder outside the checkout, so that nothing is found by accident.
"""

import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import venv
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = "ghostflow_learn"
SMOKE = ROOT / "tests" / "packaging" / "smoke.py"


def main():
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        wheel, sdist = build(folder / "dist")
        check_contents(wheel, sdist)
        python = install(wheel, folder / "venv")
        away = folder / "away"
        away.mkdir()
        shutil.copy(SMOKE, away)
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        run(python, "smoke.py", cwd=away, env=environment | {"NUMBA_CACHE_DIR": str(folder / "cache")})
    print(f"{wheel.name} and {sdist.name}: complete, and the wheel works in a clean environment")


def build(folder):
    """Both archives; the wheel is built from the sdist, so the sdist must be complete."""
    run(sys.executable, "-m", "build", "--outdir", folder, ROOT, stdout=subprocess.DEVNULL)
    (wheel,), (sdist,) = folder.glob("*.whl"), folder.glob("*.tar.gz")
    return wheel, sdist


def check_contents(wheel, sdist):
    sources = {
        str(path.relative_to(ROOT))
        for path in (ROOT / PACKAGE).rglob("*")
        if path.suffix in {".py", ".cu", ".cuh"} and "__pycache__" not in path.parts
    }
    if not any(name.endswith(".cu") for name in sources):
        sys.exit("The package holds no .cu file: the check looks in the wrong place.")
    with zipfile.ZipFile(wheel) as archive:
        in_wheel = set(archive.namelist())
    with tarfile.open(sdist) as archive:
        in_sdist = {name.partition("/")[2] for name in archive.getnames()}
    for path, names in (wheel, in_wheel), (sdist, in_sdist):
        if missing := sorted(sources - names):
            sys.exit(f"{path.name} lacks {', '.join(missing)}")
        for licence in "LICENSE-MIT", "LICENSE-APACHE":
            if not any(name.endswith(licence) for name in names):
                sys.exit(f"{path.name} lacks {licence}")
    if strangers := sorted(name for name in in_wheel if not name.startswith((f"{PACKAGE}/", f"{PACKAGE}-"))):
        sys.exit(f"{wheel.name} holds what is not the package's: {', '.join(strangers)}")


def install(wheel, folder):
    venv.create(folder, with_pip=True)
    python = folder / ("Scripts" if os.name == "nt" else "bin") / "python"
    run(python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", wheel)
    return python


def run(*command, **kwargs):
    subprocess.run([str(part) for part in command], check=True, **kwargs)


if __name__ == "__main__":
    main()
