"""Run CUDA C++ on the CPU: a stand-in for cupy.RawModule in tests.

The text of a .cu file goes to g++ with `cuda_on_cpu.h` in front of it and launch stubs behind it; each CUDA thread
becomes a fiber. Arrays are NumPy arrays. The checked build, the default, reports what a GPU leaves undefined, with
file and line: races, memory out of bounds or uninitialised, divergent barriers, wrong arguments.

    module = RawModule(code=read_source("kmeans"), name_expressions=["assign<float>"])
    module.get_function("assign<float>")((n_blocks,), (256,), (X, centers, labels, sq_dists, ...))

`GHOSTFLOW_EMULATOR_CACHE` names the folder of compiled kernels, `GHOSTFLOW_EMULATOR_CHECK=0` builds without the
checker, ten to forty times faster.
"""

from ._compile import build, missing_tool
from ._launch import SCHEDULES, EmulationError, Kernel, RawModule, use_schedule
from ._memory import device_array, device_empty

__all__ = [
    "SCHEDULES",
    "EmulationError",
    "Kernel",
    "RawModule",
    "build",
    "device_array",
    "device_empty",
    "missing_tool",
    "use_schedule",
]
