"""The tests' GPU: what a missing tool does, here and in CI."""

import sys

import pytest

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


def test_an_engine_that_was_imported_with_another_cupy_is_imported_again(on_gpu, monkeypatch):
    if gpu.is_real():
        pytest.skip("there is only one CuPy here")
    name = "ghostflow_learn._engine.cuda"
    other = type(sys)(name)
    other.xp = "another CuPy"
    monkeypatch.setitem(sys.modules, name, other)
    with gpu.available() as cupy:
        from ghostflow_learn._engine import get_engine

        assert get_engine(on_gpu([[1.0]])).xp is cupy
