"""Threads that work together inside one kernel, for steps too short to go back to Python for each.

All members call the kernel with the same words, (WORDS,) int64 of zeros. The first to come leads: it hands out tasks by
number, takes tasks itself until none is left, waits for those that others took, and hands out the next ones. The others
help until they are dismissed. Nobody waits for a member that does not come, as after Ctrl-C: the leader waits for tasks
that were taken only. A task must not fail, nor allocate.
"""

import os
import platform

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from ._jit import kernel

WORDS = 32  # of a team, in memory
MEMBERS, TASKS, DONE = 0, 8, 16  # which of them are used, each in a line of the cache of its own
SHIFT = 32  # TASKS: how many there are, then that many bits for the number of the next one
MASK = 2**SHIFT - 1
PATIENCE = 1000  # looks for something to do before the thread lets others run


inner = kernel(fastmath=False, apart=True, python=False)


def _word(builder, context, type_, array, index):
    return builder.gep(context.make_array(type_)(context, builder, array).data, [index])


@intrinsic
def _load(typingctx, array, index):
    def codegen(context, builder, signature, args):
        return builder.load_atomic(_word(builder, context, signature.args[0], *args), "acquire", 8)

    return types.int64(array, index), codegen


@intrinsic
def _store(typingctx, array, index, value):
    def codegen(context, builder, signature, args):
        word = _word(builder, context, signature.args[0], *args[:2])
        builder.store_atomic(args[2], word, "release", 8)
        return context.get_dummy_value()

    return types.void(array, types.int64, types.int64), codegen


@intrinsic
def _add(typingctx, array, index):
    """Add 1; what was there before."""

    def codegen(context, builder, signature, args):
        word = _word(builder, context, signature.args[0], *args)
        return builder.atomic_rmw("add", word, context.get_constant(types.int64, 1), "seq_cst")

    return types.int64(array, index), codegen


@intrinsic
def _pause(typingctx):
    """Leave the core to its other thread for a moment."""

    def codegen(context, builder, signature, args):
        if platform.machine() in ("x86_64", "AMD64"):
            function_type = ir.FunctionType(ir.VoidType(), [])
            builder.call(cgutils.get_or_insert_function(builder.module, function_type, "llvm.x86.sse2.pause"), [])
        return context.get_dummy_value()

    return types.void(), codegen


@intrinsic
def _let_others_run(typingctx):
    def codegen(context, builder, signature, args):
        if hasattr(os, "sched_yield"):
            function_type = ir.FunctionType(ir.IntType(32), [])
            builder.call(cgutils.get_or_insert_function(builder.module, function_type, "sched_yield"), [])
        return context.get_dummy_value()

    return types.void(), codegen


@inner
def join(words):
    """How many members came before: 0 is the number of the one that leads."""
    return _add(words, MEMBERS)


@inner
def hand_out(words, n_tasks):
    """Offer tasks 0 to n_tasks - 1, or dismiss the team with -1. All that was handed out before must be done."""
    _store(words, DONE, 0)
    _store(words, TASKS, n_tasks << SHIFT)


@inner
def take(words):
    """The number of a task that nobody else does; -1 if none is left now."""
    tasks = _load(words, TASKS)
    if tasks & MASK >= tasks >> SHIFT:
        return -1
    tasks = _add(words, TASKS)
    return tasks & MASK if tasks & MASK < tasks >> SHIFT else -1


@inner
def done(words):
    """Tell the leader that a task is done."""
    _add(words, DONE)


@inner
def wait(words, n_tasks):
    """Wait until all tasks are done."""
    looks = 0
    while _load(words, DONE) < n_tasks:
        looks = _rest(looks)


@inner
def wait_for_task(words):
    """The number of a task; -1 if the team is dismissed."""
    looks = 0
    while True:
        task = take(words)
        if task >= 0 or _load(words, TASKS) < 0:
            return task
        looks = _rest(looks)


@inner
def _rest(looks):
    if looks < PATIENCE:
        _pause()
        return looks + 1
    _let_others_run()
    return looks
