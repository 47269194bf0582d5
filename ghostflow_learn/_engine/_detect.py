"""Whether a GPU can be used here and, if not, why: the text belongs into the error of ``device="cuda"``."""

import ctypes
import functools
import importlib
import importlib.util
import os

READY = "ready"


@functools.cache
def gpu_state():
    """'ready', or a sentence that says what is missing and how to get it.

    Called at the first decision about a device, never at import: counting devices initialises CUDA, and a process
    that has done so cannot use CUDA in a forked child.
    """
    for find_fault in (_driver_fault, _cupy_fault, _device_fault, _compiler_fault, _launch_fault):
        fault = find_fault()
        if fault:
            return fault
    return READY


def _driver_fault():
    name = "nvcuda.dll" if os.name == "nt" else "libcuda.so.1"
    try:
        ctypes.CDLL(name)  # 0.3 ms, where importing CuPy first would cost a few hundred
    except OSError:
        return f"no driver found ({name}). Install the NVIDIA driver."


def _cupy_fault():
    if importlib.util.find_spec("cupy") is None:
        return "CuPy is not installed. Install it with `pip install ghostflow-learn[cuda]`."
    try:
        importlib.import_module("cupy")
    except Exception as error:
        return f"CuPy does not load ({_text(error)}). Reinstall it with `pip install ghostflow-learn[cuda]`."


def _device_fault():
    cupy = importlib.import_module("cupy")
    try:
        n_devices = cupy.cuda.runtime.getDeviceCount()
    except Exception as error:
        return f"the driver does not start ({_text(error)}). Update it to one that supports CuPy's CUDA version."
    if n_devices == 0:
        return "no device found: the driver is there, but sees no GPU. Check nvidia-smi and CUDA_VISIBLE_DEVICES."


def _compiler_fault():
    try:
        importlib.import_module("cupy.cuda.nvrtc").getVersion()
    except Exception as error:
        return f"NVRTC, the compiler of kernels, is missing ({_text(error)}). Install ghostflow-learn[cuda]."


def _launch_fault():
    cupy = importlib.import_module("cupy")
    try:  # a context, memory, and a kernel that is compiled and run
        ones = cupy.ones(2, dtype="float32")
        if float((ones + ones).sum()) != 4:
            return "the GPU computes 1 + 1 + 1 + 1 wrongly. Check it with nvidia-smi."
    except Exception as error:
        return f"a first kernel fails ({_text(error)}). Check the driver, the GPU's free memory and the CUDA toolkit."


def _text(error):
    return f"{type(error).__name__}: {error}".rstrip(".")
