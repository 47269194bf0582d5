"""Compile CUDA C++ for any architecture without a GPU, through NVRTC from the pip wheel: what RawModule uses.

python -m tests._cuda.nvrtc                  # every family and architecture: registers, faults; exit 1 on a fault
python -m tests._cuda.nvrtc kmeans --archs 90
"""

import argparse
import ctypes
import importlib.util
import re
import sys
from pathlib import Path

from ghostflow_learn._cuda import families, instances, kernels_of, read_source

ARCHS = (75, 80, 90, 120)
CUPY_OPTIONS = ("-std=c++17", "-ftz=true", "--device-as-default-execution-space")  # what RawModule passes
THREADS_PER_BLOCK = 256  # where a kernel has no __launch_bounds__
REGISTERS_PER_SM, STATIC_SHARED_BYTES = 65536, 48 * 1024

_USAGE = {
    "registers": r"Used (\d+) registers",
    "static_shared_bytes": r"(\d+) bytes smem",
    "stack_bytes": r"(\d+) bytes stack frame",
    "spill_store_bytes": r"(\d+) bytes spill stores",
    "spill_load_bytes": r"(\d+) bytes spill loads",
}


def find_nvrtc():
    """(library, include folder) of the wheel nvidia-cuda-nvrtc, CUDA 13 or 12."""
    for package in ("nvidia.cu13", "nvidia.cuda_nvrtc"):
        try:
            spec = importlib.util.find_spec(package)
        except ModuleNotFoundError:
            continue
        for folder in map(Path, spec.submodule_search_locations if spec else ()):
            for library in sorted(folder.glob("lib/libnvrtc.so.1[0-9]")):
                return library, folder / "include"
    raise ImportError("NVRTC is missing: pip install nvidia-cuda-nvrtc nvidia-cuda-runtime nvidia-cuda-crt")


class Nvrtc:
    """The compiler. Raises ImportError where its wheel is not installed."""

    def __init__(self):
        library, self.include = find_nvrtc()
        for builtins in library.parent.glob("libnvrtc-builtins.so.*"):
            if "alt" not in builtins.name:  # loaded first, or NVRTC looks for it on the system path
                ctypes.CDLL(str(builtins), mode=ctypes.RTLD_GLOBAL)
        self._library = ctypes.CDLL(str(library))

    def compile(self, source, name="kernel.cu", arch=90, name_expressions=()):
        """(cubin or None, log)"""
        return self._compile(source, name, f"-arch=sm_{arch}", name_expressions, "CUBIN")

    def ptx(self, source, name_expressions=()):
        """The virtual machine code of sm_90, as text."""
        code, log = self._compile(source, "kernel.cu", "-arch=compute_90", name_expressions, "PTX")
        if code is None:
            raise ValueError(log)
        return code.decode()

    def _compile(self, source, name, arch, name_expressions, product):
        program = ctypes.c_void_p()
        self._library.nvrtcCreateProgram(ctypes.byref(program), source.encode(), name.encode(), 0, None, None)
        for expression in name_expressions:
            self._library.nvrtcAddNameExpression(program, expression.encode())
        options = [arch, *CUPY_OPTIONS, "-Xptxas=-v", f"-I{self.include}"]
        encoded = (ctypes.c_char_p * len(options))(*[option.encode() for option in options])
        status = self._library.nvrtcCompileProgram(program, len(options), encoded)
        log = self._text(program, "ProgramLog").rstrip(b"\0").decode()
        code = self._text(program, product) if status == 0 else None
        self._library.nvrtcDestroyProgram(ctypes.byref(program))
        return code, log

    def _text(self, program, what):
        size = ctypes.c_size_t()
        getattr(self._library, f"nvrtcGet{what}Size")(program, ctypes.byref(size))
        buffer = ctypes.create_string_buffer(size.value)
        getattr(self._library, f"nvrtcGet{what}")(program, buffer)
        return buffer.raw


def usage(log):
    """{mangled kernel: registers, bytes of shared memory, stack and spills} from the log of -Xptxas=-v."""
    out = {}
    for match in re.finditer(r"entry function '(\w+)'(.*?)(?=Compiling entry|\Z)", log, re.DOTALL):
        numbers = {key: re.search(pattern, match[2]) for key, pattern in _USAGE.items()}
        out[match[1]] = {key: int(number[1]) if number else 0 for key, number in numbers.items()}
    return out


def faults(source, log):
    """What the gate refuses in a source that compiles."""
    bounds = {name: kernel.max_threads or THREADS_PER_BLOCK for name, kernel in kernels_of(source).items()}
    out = [line for line in log.splitlines() if "warning" in line]
    for mangled, used in usage(log).items():
        names = [name for name in bounds if name == mangled or f"{len(name)}{name}" in mangled]
        threads = max((bounds[name] for name in names), default=THREADS_PER_BLOCK)
        out += [
            f"{mangled} has {used[what]} {what}" for what in _USAGE if re.search("stack|spill", what) and used[what]
        ]
        if used["registers"] * threads > REGISTERS_PER_SM:
            out.append(f"{mangled} needs {used['registers']} registers x {threads} threads")
        if used["static_shared_bytes"] > STATIC_SHARED_BYTES:
            out.append(f"{mangled} has {used['static_shared_bytes']} bytes of static shared memory")
    return out


def slow_or_unordered_atomics(ptx):
    """Atomic additions that depend on the order of threads (floats), or are a loop (64 bits in shared memory)."""
    return re.findall(r"(?:atom|red)(?:\.\w+)*\.add(?:\.noftz)?\.(?:f16|bf16|f32|f64)\w*", ptx) + re.findall(
        r"(?:atom|red)(?:\.\w+)*\.shared(?:\.\w+)*\.add\.u64", ptx
    )


def check(nvrtc, family, arch):
    """(usage of each kernel instance, faults)"""
    source = read_source(family)
    cubin, log = nvrtc.compile(source, f"{family}.cu", arch, instances(source))
    return ({}, [log]) if cubin is None else (usage(log), faults(source, log))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("families", nargs="*", default=families())
    parser.add_argument("--archs", type=int, nargs="*", default=ARCHS)
    args, nvrtc, n_faults = parser.parse_args(), Nvrtc(), 0
    for family in args.families:
        for arch in args.archs:
            used, found = check(nvrtc, family, arch)
            for kernel, numbers in used.items():
                print(f"sm_{arch} {family:<16}{kernel:<60}{numbers['registers']:>4} registers")
            print("".join(f"sm_{arch} {family}: FAULT {fault}\n" for fault in found), end="")
            n_faults += len(found)
    return bool(n_faults)


if __name__ == "__main__":
    sys.exit(main())
