"""Threads inside one kernel: every task is done once, in its phase, whoever comes."""

import threading

import numpy as np
import pytest

from ghostflow_learn._engine.cpu._jit import kernel
from ghostflow_learn._engine.cpu._team import WORDS, done, hand_out, join, take, wait, wait_for_task

N_PHASES, N_TASKS = 2000, 7


@kernel
def _work_through(words, phase, times, early):
    """Each phase counts its tasks; one that sees an unfinished task of the phase before counts as early."""
    if join(words) > 0:
        task = wait_for_task(words)
        while task >= 0:
            _do(task, phase, times, early)
            done(words)
            task = wait_for_task(words)
        return
    for p in range(N_PHASES):
        phase[0] = p
        hand_out(words, N_TASKS)
        task = take(words)
        while task >= 0:
            _do(task, phase, times, early)
            done(words)
            task = take(words)
        wait(words, N_TASKS)
    hand_out(words, -1)


@kernel(fastmath=False, apart=True, python=False)
def _do(task, phase, times, early):
    p = phase[0]
    times[p, task] += 1
    for before in range(N_TASKS if p else 0):
        early[task] += times[p - 1, before] != 1


@pytest.mark.parametrize("n_members", [1, 2, 5])
def test_every_task_is_done_once_before_the_next_phase(n_members):
    words, phase = np.zeros(WORDS, dtype=np.int64), np.zeros(1, dtype=np.int64)
    times, early = np.zeros((N_PHASES, N_TASKS), dtype=np.int64), np.zeros(N_TASKS, dtype=np.int64)
    args = words, phase, times, early
    threads = [threading.Thread(target=_work_through, args=args) for _ in range(n_members)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert not any(thread.is_alive() for thread in threads)
    assert (times == 1).all()
    assert not early.any()
    _work_through(*args)  # a helper that comes when all is over goes at once
