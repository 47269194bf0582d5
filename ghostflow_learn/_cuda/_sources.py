"""Read .cu files: inline their headers, find their kernels, list the instances that are compiled."""

import functools
import itertools
import re
from collections import namedtuple
from pathlib import Path

FOLDER = Path(__file__).parent

# What each kind of template parameter is compiled for. A kernel with another kind adds a line here.
TEMPLATE_VALUES = {
    "typename T": ("float", "double"),
    "typename Index": ("int", "index"),
}

Kernel = namedtuple("Kernel", "template max_threads")
Parameter = namedtuple("Parameter", "c_type is_pointer name")

_INCLUDE = re.compile(r'^(#include "[\w.]+"\n)', re.MULTILINE)
_COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/", re.DOTALL)
_KERNEL = re.compile(
    r"(?:template\s*<([^<>;{}]*)>\s*)?(?:extern\s*\"C\"\s*)?__global__\s+void\s+"
    r"(?:__launch_bounds__\s*\(\s*(\d+)[^)]*\)\s*)?(\w+)\s*\("
)


def families():
    """Names of the .cu files, without their ending."""
    return sorted(path.stem for path in FOLDER.glob("*.cu"))


@functools.cache
def read_source(family):
    """Text of `<family>.cu` with its headers inlined.

    CuPy's disk cache hashes the text of a source but not what it includes. `#line` keeps the compiler's messages
    pointing at the real files.
    """
    seen = set()

    def inline(name):
        if name in seen:
            return ""
        seen.add(name)
        text = (FOLDER / name).read_text(encoding="utf-8").replace("#pragma once\n", "\n")
        out, line = [f'#line 1 "{name}"\n'], 1
        for part in _INCLUDE.split(text):
            line += part.count("\n")
            is_include = _INCLUDE.fullmatch(part)
            out.append(f'{inline(part.split(chr(34))[1])}#line {line} "{name}"\n' if is_include else part)
        return "".join(out)

    return inline(f"{family}.cu")


def kernels_of(source):
    """{name: Kernel}, with its template parameters and its __launch_bounds__ (None without)."""
    return {
        match[3]: Kernel(_split(match[1] or ""), int(match[2]) if match[2] else None)
        for match in _KERNEL.finditer(_COMMENT.sub("", source))
    }


def instances(source):
    """Name expressions of everything that is compiled, such as `assign<float>`; a plain kernel is its own name."""
    return tuple(
        expression(name, values)
        for name, kernel in kernels_of(source).items()
        for values in itertools.product(*(TEMPLATE_VALUES[parameter] for parameter in kernel.template))
    )


def expression(kernel, values):
    """`assign<float>` from `assign` and its template values."""
    return f"{kernel}<{', '.join(values)}>" if values else kernel


@functools.cache
def parameters(source, kernel):
    """The parameters of a kernel, with const and __restrict__ dropped."""
    text = _COMMENT.sub("", source)
    match = next((m for m in _KERNEL.finditer(text) if m[3] == kernel), None)
    if match is None:
        raise KeyError(f"no kernel {kernel} in this source")
    return tuple(map(_parameter, _split(text[match.end() : text.index(")", match.end())])))


def _parameter(declaration):
    words = re.sub(r"\b(const|__restrict__)\b", "", declaration).replace("*", " * ").split()
    return Parameter(" ".join(word for word in words[:-1] if word != "*"), "*" in words, words[-1])


def _split(text):
    return tuple(part.strip() for part in text.split(",") if part.strip())
