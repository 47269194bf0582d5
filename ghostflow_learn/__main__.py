"""Run a script on our estimators, or look after the installation.

python -m ghostflow_learn script.py [args]    scikit-learn code, unmodified, on our estimators
python -m ghostflow_learn -m module [args]    the same for a module
python -m ghostflow_learn warmup              compile every kernel ahead
python -m ghostflow_learn doctor              versions, CPU, GPU, JIT cache, self test
"""

import runpy
import sys
from pathlib import Path

from . import patch_sklearn


def main(args):
    if args == ["warmup"]:
        return _warmup()
    if args == ["doctor"]:
        return _doctor()
    if args[:1] == ["-m"] and len(args) > 1:
        return _run_module(args[1:])
    if args and not args[0].startswith("-"):
        return _run_script(args)
    asked = args in (["-h"], ["--help"])
    print(__doc__.strip(), file=sys.stdout if asked else sys.stderr)
    return 0 if asked else 2


def _warmup():
    from ._warmup import warmup

    failed = warmup(sys.stdout)
    if failed:
        print(
            f"cannot be fitted: {', '.join(sorted(set(failed)))}. Try: python -m ghostflow_learn doctor",
            file=sys.stderr,
        )
    return 1 if failed else 0


def _doctor():
    from ._doctor import doctor

    return 0 if doctor(sys.stdout) else 1


def _run_script(args):
    script = Path(args[0])
    if not script.exists():
        print(
            f"No script {args[0]!r}. A script, warmup or doctor: see python -m ghostflow_learn --help", file=sys.stderr
        )
        return 2
    sys.argv[:] = args
    sys.path[0] = str(script.resolve().parent)
    patch_sklearn()
    runpy.run_path(str(script), run_name="__main__")


def _run_module(args):
    sys.argv[:] = args
    patch_sklearn()
    runpy.run_module(args[0], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
