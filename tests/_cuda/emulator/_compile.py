"""From the text of a .cu file to a shared library, through g++."""

import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
CACHE = Path(
    os.environ.get("GHOSTFLOW_EMULATOR_CACHE", Path(tempfile.gettempdir(), f"ghostflow-emulator-{os.getuid()}"))
)
CXX = os.environ.get("CXX", "g++")
SHARED_PAD = 256
OWN_FILES = (*(path.name for path in sorted(HERE.glob("*.h"))), "runtime.cpp")

_DYNAMIC_SHARED = re.compile(
    r"extern\s+__shared__\s+(?:__align__\s*\([^)]*\)\s*|alignas\s*\([^)]*\)\s*)?"
    r"([\w:<>, ]+?)\s+(?:__align__\s*\([^)]*\)\s*)?(\w+)\s*\[\s*\]\s*;"
)


def missing_tool():
    """Why kernels cannot be emulated here, or None."""
    for tool in (CXX, "addr2line"):
        if shutil.which(tool) is None:
            return f"the emulator needs {tool}: install g++ (12 or later) and binutils"
    return None


def build(code, symbols, *, check, options=(), filename="kernel.cu"):
    """Path of the library of a source. `symbols` maps the name expressions of its kernels to C names."""
    exports = "".join(f"\nEMU_EXPORT_KERNEL({symbol}, {name})" for name, symbol in symbols.items())
    source = _DYNAMIC_SHARED.sub(r"\1* const \2 = EMU_DYNSMEM(\1);", code)
    source = f'#line 1 "{filename}"\n{source}\n#line 1 "<stubs>"{exports}\n'
    flags = _compiler_flags(check, options)
    key = _digest(source, " ".join(flags), _emulator_digest())
    return _build_once(CACHE / f"kernel-{key}.so", lambda out: _build_library(out, source, flags))


def source_lines(library, message):
    """`message` with each @pc:... replaced by file:line of the kernel."""

    def resolve(match):
        done = subprocess.run(["addr2line", "-i", "-e", library, match[1]], check=False, capture_output=True, text=True)
        places = [line.rsplit("/", 1)[-1].split(" ")[0] for line in done.stdout.split("\n") if line]
        outside = [place for place in places if not place.startswith(OWN_FILES)]
        return (outside or places or [match[0]])[0]

    return re.sub(r"@pc:([0-9a-f]+)", resolve, message)


def _build_library(out, source, flags):
    cu, asm, obj = (out.with_name(out.name + suffix) for suffix in (".cu", ".s", ".o"))
    cu.write_text(source)
    try:
        include = ["-I", HERE / "stubs", "-x", "c++", "-include", HERE / "cuda_on_cpu.h"]
        _run([CXX, *flags, *include, "-S", cu, "-o", asm])
        _list_shared_variables(asm)
        _run([CXX, "-c", asm, "-o", obj])
        _run([CXX, "-shared", "-Wl,-Bsymbolic", "-o", out, obj, _runtime_object()])
    finally:
        for path in (cu, asm, obj):
            path.unlink(missing_ok=True)


def _runtime_object():
    flags = ["-std=c++17", "-O2", "-g", "-fPIC", "-w"]
    return _build_once(
        CACHE / f"runtime-{_emulator_digest()}.o",
        lambda out: _run([CXX, *flags, "-c", HERE / "runtime.cpp", "-o", out]),
    )


def _build_once(path, build_into):
    """Build into a private file, then rename: safe when several processes test at once."""
    if not path.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
        build_into(temporary)
        os.replace(temporary, path)
    return path


def _list_shared_variables(assembly):
    """Pad the function-local statics in .bss of an assembly file and append their table.

    They are the static __shared__ variables; g++ ignores a section attribute on a static of a template, so they
    are found here.
    """
    text = assembly.read_text()
    found = []

    def pad_common(match):
        found.append((match[1], int(match[2])))
        size, alignment = int(match[2]) + SHARED_PAD, max(16, int(match[3]))
        return f"\t.local\t{match[1]}\n\t.comm\t{match[1]},{size},{alignment}\n"

    def pad_zero(match):
        found.append((match[1], int(match[2])))
        return f"{match[1]}:\n\t.zero\t{int(match[2]) + SHARED_PAD}\n"

    text = re.sub(r"\t\.local\t(_ZZ\S+)\n\t\.comm\t\1,(\d+),(\d+)\n", pad_common, text)
    text = re.sub(r"^(_ZZ\S+):\n\t\.zero\t(\d+)\n", pad_zero, text, flags=re.MULTILINE)
    lines = ['\n\t.section\temu_shtab,"aw",@progbits']
    lines += [f"\t.quad\t{symbol}\n\t.quad\t{size}\n\t.quad\t.Lemu_n{i}" for i, (symbol, size) in enumerate(found)]
    lines.append("\t.section\t.rodata")
    for i, (symbol, _) in enumerate(found):
        name = re.search(r"E\d+([A-Za-z_]\w*?)(?:_\d+)?$", symbol)
        lines.append(f'.Lemu_n{i}:\t.string "{name[1] if name else symbol}"')
    assembly.write_text(text + "\n".join(lines) + "\n")


def _compiler_flags(check, options):
    arch = "-march=x86-64-v3" if os.uname().machine == "x86_64" else "-mcpu=native"
    flags = ["-std=c++17", "-gdwarf-4", "-fPIC", "-w", arch, "-fno-exceptions", "-fno-rtti", "-fvisibility=hidden"]
    flags += ["-fno-strict-aliasing", "-ffp-contract=fast", "-fno-gnu-unique", "-fno-common", "-fno-lto"]
    flags.append("-fno-threadsafe-statics")  # shared arrays of half: g++ guards their empty constructor
    if check:
        flags += ["-Og", "-DEMU_CHECK", "-fno-tree-sra", "-Wno-tsan", "-fsanitize=thread"]
        flags += ["--param", "tsan-instrument-func-entry-exit=0", "--param", "tsan-distinguish-volatile=1"]
        undefined = "signed-integer-overflow,integer-divide-by-zero,shift-exponent,bounds,alignment"
        flags.append(f"-fsanitize={undefined},float-cast-overflow")
    else:
        flags.append("-O2")
    return flags + [o.replace("--std", "-std") for o in options if o.startswith(("-D", "-I", "-U", "-std=", "--std="))]


def _run(command):
    done = subprocess.run([str(part) for part in command], check=False, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"kernel did not compile for the CPU:\n{' '.join(map(str, command))}\n{done.stderr}")


def _emulator_digest():
    files = [HERE / name for name in OWN_FILES] + sorted((HERE / "stubs").glob("*.h"))
    return _digest(CXX, *(path.read_bytes() for path in files))


def _digest(*parts):
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part if isinstance(part, bytes) else str(part).encode())
        digest.update(b"\0")
    return digest.hexdigest()[:24]
