import gc
import math
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from numba.core.caching import NullCache
from numba.extending import overload

from ghostflow_learn._engine.cpu._jit import kernel


@kernel
def _count_nan(x, out, start, stop):
    for i in range(start, stop):
        if math.isnan(x[i]):
            out[0] += 1


def test_kernels_still_see_nan():
    """fastmath=True would delete the test."""
    out = np.zeros(1)
    _count_nan(np.array([1.0, np.nan, np.inf]), out, 0, 3)
    assert out[0] == 1


@pytest.fixture
def slow_to_compile():
    """A kernel that no cache knows, and that says when its compilation has begun."""
    begun = threading.Event()

    @overload(begun_of)
    def compiling(x):
        begun.set()
        time.sleep(0.2)
        return lambda x: x

    @kernel
    def slow(x, start, stop):
        return begun_of(x) + 1

    slow._cache = NullCache()
    return slow, begun


def begun_of(x):
    """What `slow_to_compile` overloads."""


def test_ctrl_c_waits_for_the_compiler(slow_to_compile):
    """Numba alone may keep its lock, and the process hang at the next kernel."""
    slow, begun = slow_to_compile

    def interrupt():
        begun.wait()
        signal.raise_signal(signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    with pytest.raises(KeyboardInterrupt):
        slow(1.0, 0, 1)
    thread.join()
    assert len(slow.signatures) == 1
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    with ThreadPoolExecutor(1) as pool:  # another thread gets the lock
        assert pool.submit(slow, 1, 0, 1).result(timeout=60) == 2


def test_the_compiler_leaves_garbage_collection_as_it_was(slow_to_compile):
    slow, _ = slow_to_compile
    slow(1.0, 0, 1)
    assert gc.isenabled()
    gc.disable()
    try:
        slow(1, 0, 1)
        assert not gc.isenabled()
    finally:
        gc.enable()


KERNEL = textwrap.dedent(
    """
    import sys
    import numpy as np
    from ghostflow_learn._engine.cpu._jit import kernel

    @kernel
    def double(x, out, start, stop):
        for i in range(start, stop):
            out[i] = x[i] * 2

    if __name__ == "__main__":
        for name in sys.argv[1:]:
            x, out = np.arange(8).astype(name), np.zeros(8, name)
            double(x, out, 0, 8)
            assert (out == 2 * x).all(), (name, out)
        print(sum(double.stats.cache_hits.values()))
    """
)


def run(script, *dtypes, **env):
    process = subprocess.Popen(
        [sys.executable, script, *dtypes],
        env={**os.environ, "PYTHONPATH": os.getcwd(), **env},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    return process


def finish(process):
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    return int(out)


def test_processes_that_compile_different_dtypes_at_once_keep_their_own_code(tmp_path):
    """Numba alone numbers its data files without a lock: an index may then name another dtype's machine code."""
    script = tmp_path / "double.py"
    script.write_text(KERNEL)
    cache = {"NUMBA_CACHE_DIR": str(tmp_path / "cache")}
    dtypes = ["float32", "float64", "int32", "int64"]
    for process in [run(script, dtype, **cache) for dtype in dtypes]:
        finish(process)
    assert finish(run(script, *dtypes, **cache)) == len(dtypes)


OLD_TYPE = textwrap.dedent(
    """
    import sys
    from collections import namedtuple
    from ghostflow_learn._engine.cpu._jit import kernel

    {name} = namedtuple("{name}", "a b")

    @kernel
    def add(pair, start, stop):
        return pair.a + pair.b

    if __name__ == "__main__":
        import versions
        print(int(versions.add(versions.{name}(1, 2), 0, 1) != 3))
    """
)


def test_a_cache_of_another_version_is_made_anew(tmp_path):
    """Numba alone fails in each process where the cache names a type that the module no longer has."""
    script, cache = tmp_path / "versions.py", {"NUMBA_CACHE_DIR": str(tmp_path / "cache")}
    for name in ("Old", "New"):
        script.write_text(OLD_TYPE.format(name=name))
        assert finish(run(script, **cache)) == 0


@pytest.mark.skipif(os.name == "nt", reason="folder permissions of POSIX")
@pytest.mark.skipif(hasattr(os, "geteuid") and os.geteuid() == 0, reason="root may write everywhere")
def test_nowhere_to_write_only_costs_the_cache(tmp_path):
    script = tmp_path / "double.py"
    script.write_text(KERNEL)
    tmp_path.chmod(0o555)
    try:
        assert finish(run(script, "float64", HOME="/nonexistent", XDG_CACHE_HOME="/nonexistent")) == 0
    finally:
        tmp_path.chmod(0o755)


def test_a_kernel_compiles_anew_when_a_helper_changes(tmp_path):
    """Numba looks at the file of the kernel alone: an upgrade would go on with the helpers of the last version."""
    package = tmp_path / "package"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "_constants.py").write_text("FACTOR = 2\n")
    (package / "_helper.py").write_text(
        "from numba import njit\nfrom . import _constants as constants\nFACTOR = constants.FACTOR\n"
        "@njit\ndef scale(x):\n    return FACTOR * x\n"
    )
    (package / "kernels.py").write_text(
        "from ghostflow_learn._engine.cpu._jit import kernel\nfrom ._helper import scale\n"
        "@kernel\ndef run(x):\n    return scale(x)\n"
    )

    def run():
        code = "from package.kernels import run; print(run(3), sum(run.stats.cache_hits.values()))"
        return subprocess.run([sys.executable, "-c", code], cwd=tmp_path, text=True, capture_output=True).stdout.split()

    assert run() == ["6", "0"]
    assert run() == ["6", "1"]
    (package / "_constants.py").write_text("FACTOR = 5\n")
    assert run() == ["15", "0"]
