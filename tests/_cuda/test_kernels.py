"""Every kernel, through its op, against the reference: at awkward sizes, under every schedule, without each barrier."""

import re
from importlib import import_module

import pytest

from ghostflow_learn import _cuda
from ghostflow_learn._cuda import families, kernels_of, read_source

from . import emulator, gpu, standin
from .workloads import SIZES, WORKLOADS, arguments, assert_agree, assert_same_bits, call, op_of

BARRIER = "__syncthreads();"


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("op", WORKLOADS)
def test_op_agrees_with_the_reference_under_every_schedule(cuda, reference, op, size, dtype):
    want, first = call(reference, op, arguments(reference, op, size, dtype)), None
    for schedule in emulator.SCHEDULES:
        with emulator.use_schedule(schedule):
            got = call(cuda, op, arguments(cuda, op, size, dtype))
        first = first or got
        assert_same_bits(op, got, first, f"between the schedules {schedule} and {emulator.SCHEDULES[0]}")
        assert_agree(op, got, want, dtype)


@pytest.mark.parametrize("op", [op for op in WORKLOADS if WORKLOADS[op].waits is not None])
def test_op_neither_synchronises_nor_transfers(cuda, counting, op):
    args = arguments(cuda, op, 257, "float32")
    with counting() as events:
        op_of(cuda, op)(*args)
    assert events["launch"] > 0
    assert events["sync"] == events["d2h"] == WORKLOADS[op].waits
    assert events["h2d"] == WORKLOADS[op].uploads
    assert events["host_iter"] == 0


def run_family(engine, family, size):
    for op in WORKLOADS:
        if op.startswith(f"{family}."):
            call(engine, op, arguments(engine, op, size, "float32"))


def test_every_kernel_is_launched_by_a_workload(cuda, monkeypatch):
    launched = set()
    launch = import_module("ghostflow_learn._engine.cuda._launch")

    def load_and_note(family, name):
        launched.add((family, name.partition("<")[0]))
        return _cuda.load_kernel(family, name)

    monkeypatch.setattr(launch, "load_kernel", load_and_note)
    for family in families():
        run_family(cuda, family, 257)
    exist = {(family, kernel) for family in families() for kernel in kernels_of(read_source(family))}
    assert exist - launched == set(), "kernels that no op, or no workload in workloads.py, launches"


# ---------------------------------------------------------------- each barrier is needed, and seen to be needed


def functions_of(source):
    """[(function, text)]: the source cut before each function that may hold a barrier."""
    parts = re.split(r"(?=__global__|__device__)", source)
    return [(re.search(r"(\w+)\s*\((?!\d)", part)[1] if i else "", part) for i, part in enumerate(parts)]


def barriers():
    """(family, function, number of the barrier in it) of all sources; block_sum where a family calls it."""
    for family in families():
        source = read_source(family)
        for function, text in functions_of(source):
            if source.count(f"{function}(") > 1 or function in kernels_of(source):
                yield from ((family, function, nth) for nth in range(text.count(BARRIER)))


def without_barrier(source, function, nth):
    out = []
    for name, text in functions_of(source):
        if name == function:
            pieces = text.split(BARRIER)
            text = BARRIER.join(pieces[: nth + 1]) + BARRIER.join(["", *pieces[nth + 1 :]])[len(BARRIER) :]
        out.append(text)
    return "".join(out)


@pytest.mark.parametrize("family, function, nth", list(barriers()))
def test_every_barrier_is_needed(cuda, monkeypatch, family, function, nth):
    if gpu.is_real():
        pytest.skip("a race is found by the emulator")
    mutant = without_barrier(read_source(family), function, nth)
    assert mutant.count(BARRIER) == read_source(family).count(BARRIER) - 1

    def load_mutant(family_asked_for, name):
        if family_asked_for != family:
            return _cuda.load_kernel(family_asked_for, name)
        return standin.cupy.RawModule(code=mutant, name_expressions=(name,)).get_function(name)

    monkeypatch.setattr(import_module("ghostflow_learn._engine.cuda._launch"), "load_kernel", load_mutant)
    with pytest.raises(emulator.EmulationError, match=r"race|uninitialised"):
        run_family(cuda, family, 257)
