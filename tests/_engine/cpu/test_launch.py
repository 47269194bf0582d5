"""The pool: blocks depend on shapes alone, launches nest, fail and stop cleanly."""

import os
import threading
import time
import weakref
from functools import partial

import numpy as np
import pytest

from ghostflow_learn import config_context
from ghostflow_learn._engine.cpu import _launch
from ghostflow_learn._engine.cpu._jit import kernel
from ghostflow_learn._engine.cpu._launch import GRAIN, cut, launch, launch_reduce, n_threads, run_blocks


@kernel
def _square(x, out, start, stop):
    for i in range(start, stop):
        out[i] = x[i] * x[i]


@kernel
def _add(x, total, start, stop):
    block = x[start:stop]
    for i in range(len(block)):
        total[0] += block[i]


@pytest.mark.parametrize("n", [0, 1, 31, 1000, 1_000_003])
@pytest.mark.parametrize("row_cost", [1, 100, 10**7])
def test_blocks_cover_every_row_once(n, row_cost):
    rows = [i for start, stop in cut(n, row_cost) for i in (start, stop)]
    assert rows == sorted(rows)
    assert rows[::2] == [0, *rows[1:-1:2]][: len(rows) // 2]
    assert (rows[-1] if rows else 0) == n


def test_little_work_stays_in_one_block():
    assert len(cut(GRAIN - 1, row_cost=1)) == 1


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_every_row_is_computed(rng, threads):
    x = rng.normal(size=1_000_000)
    out = np.full_like(x, np.nan)
    with config_context(n_threads=threads):
        launch(_square, len(x), (x, out), row_cost=10)
    np.testing.assert_array_equal(out, x * x)


def test_sums_have_the_same_bits_at_any_number_of_threads(rng):
    x = rng.normal(size=1_000_000)
    sums = []
    for threads in (1, 2, 5):
        with config_context(n_threads=threads):
            sums.append(launch_reduce(_add, len(x), (x,), [((1,), np.float64)], row_cost=10)[0][0])
    assert sums[0] == sums[1] == sums[2]
    assert sums[0] == pytest.approx(x.sum(), rel=1e-12)


def test_sums_do_not_depend_on_where_the_partial_lies(rng):
    """Right behind the data, where a loop over x[start:stop] that does not slice first would take another path."""
    memory = np.zeros(2000)
    memory[:1000] = rng.normal(size=1000)
    x, near, far = memory[:1000], memory[1010:1011], np.zeros(1)
    _add(x, near, 0, 100)
    _add(x, far, 0, 100)
    assert near[0] == far[0]


def test_a_reduction_over_no_rows_is_zero():
    (total,) = launch_reduce(_add, 0, (np.empty(0),), [((1,), np.float64)], row_cost=1)
    assert total[0] == 0


def test_results_of_blocks_come_in_order():
    starts = run_blocks(lambda start, stop: start, 10_000, row_cost=GRAIN)
    assert starts == sorted(starts)
    assert len(starts) == _launch.BLOCKS


def test_a_launch_inside_a_block_does_not_wait_for_itself(rng):
    x = rng.normal(size=1_000_000)
    out = np.empty_like(x)

    def square_block(start, stop):
        launch(_square, stop - start, (x[start:stop], out[start:stop]), row_cost=100)

    with config_context(n_threads=2):
        run_blocks(square_block, len(x), row_cost=100)
    np.testing.assert_array_equal(out, x * x)


def test_an_error_in_a_block_reaches_the_caller_and_leaves_the_pool_usable():
    def fail(start, stop):
        raise ZeroDivisionError

    with config_context(n_threads=2):
        with pytest.raises(ZeroDivisionError):
            run_blocks(fail, 1000, row_cost=GRAIN)
        assert run_blocks(lambda start, stop: 1, 4, row_cost=GRAIN) == [1] * 4


def test_an_error_stops_blocks_that_have_not_begun():
    done = []

    def fail_at_once(start, stop):
        done.append(start)
        time.sleep(0.001)
        raise ZeroDivisionError

    with config_context(n_threads=2), pytest.raises(ZeroDivisionError):
        run_blocks(fail_at_once, 64, row_cost=GRAIN)
    assert len(done) <= 2


def _sum(array, start, stop):
    return array[start:stop].sum()


def test_arrays_are_let_go_while_the_pool_is_busy():
    """A helper that never came to its task must not keep what the task would have worked on."""
    with config_context(n_threads=2):
        run_blocks(lambda start, stop: None, 2, GRAIN)  # there is a pool
        pool, hold = _launch._pool(1), threading.Event()
        busy = [pool.submit(hold.wait) for _ in range(pool._max_workers)]
        array = np.ones(4)
        gone = weakref.ref(array)
        assert run_blocks(partial(_sum, array), 4, GRAIN) == [1.0] * 4
        del array
        try:
            assert gone() is None
        finally:
            hold.set()
            for future in busy:
                future.result()


def test_launches_from_many_threads_at_once(rng):
    x = rng.normal(size=300_000)
    wrong = []

    def work():
        for _ in range(5):
            out = np.empty_like(x)
            launch(_square, len(x), (x, out), row_cost=100)
            if not np.array_equal(out, x * x):
                wrong.append(1)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


@pytest.mark.parametrize("limit, most", [("1", 1), ("3,2", 3), ("", None), ("0", None), ("many", None)])
def test_omp_num_threads_caps_the_default(monkeypatch, limit, most):
    monkeypatch.setenv("OMP_NUM_THREADS", limit)
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    assert n_threads() == min(usable, most or usable)


def test_the_setting_says_how_many_threads():
    with config_context(n_threads=7):
        assert n_threads() == 7
