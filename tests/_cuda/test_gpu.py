"""The tests' GPU: what a missing tool does, here and in CI."""

import sys

import pytest

from ghostflow_learn import _engine

from . import emulator, gpu


def test_a_missing_compiler_skips_with_its_reason_but_fails_in_ci(monkeypatch):
    monkeypatch.setattr(gpu, "is_real", lambda: False)
    monkeypatch.setattr(emulator._compile, "CXX", "no-such-compiler")
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match=r"needs no-such-compiler: install g\+\+"), gpu.available():
        pass
    monkeypatch.setenv("CI", "1")
    with pytest.raises(pytest.fail.Exception, match="CI must not skip this"), gpu.available():
        pass


@pytest.fixture
def engine_modules():
    """Names of the CUDA engine's modules; whatever the test does to them is undone."""
    names = lambda: [name for name in sys.modules if name.startswith("ghostflow_learn._engine.cuda")]
    before, package = {name: sys.modules[name] for name in names()}, getattr(_engine, "cuda", None)
    yield names
    for name in names():
        del sys.modules[name]
    sys.modules.update(before)
    if package is not None:
        _engine.cuda = package


def test_an_engine_that_was_imported_with_another_cupy_is_imported_again(engine_modules):
    if gpu.is_real():
        pytest.skip("there is only one CuPy here")
    with gpu.available() as cupy:
        assert _engine.get_engine(cupy.ones(1)).kmeans.assign
    for name in engine_modules():
        sys.modules[name].xp = "another CuPy"
    with gpu.available() as cupy:
        assert _engine.get_engine(cupy.ones(1)).xp is cupy
