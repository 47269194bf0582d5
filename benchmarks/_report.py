"""From result files to a Markdown table and a bar chart."""

import json
from pathlib import Path
from statistics import median

OURS = "ghostflow_learn"
COLORS = {OURS: "#1b7f79", "scikit-learn": "#f2a541", "scikit-learn-intelex": "#4a6fa5"}
HEADER = (
    "| workload | library | first call | median | least | ours is faster by | memory beyond X | score |",
    "|---|---|---|---|---|---|---|---|",
)


def load(folder):
    """The results in a folder, in the order of their names."""
    results = [json.loads(path.read_text()) for path in sorted(Path(folder).glob("*.json"))]
    return [result for result in results if "results" in result]


def write(folder):
    """Table and charts of every result in the folder, beside them."""
    results = load(folder)
    where = sorted({_where(result["machine"]) for result in results})
    lines = ["# Benchmarks", "", *[f"Measured on {line}." for line in where], "", table(results)]
    (Path(folder) / "README.md").write_text("\n".join(lines) + "\n")
    for subpackage in sorted({result["subpackage"] for result in results}):
        _chart([r for r in results if r["subpackage"] == subpackage], Path(folder) / f"{subpackage}.png")


def table(results):
    """A Markdown table: one row per workload and contender."""
    rows = [row for result in results for row in _rows(result)]
    return "\n".join([*HEADER, *rows])


def _rows(result):
    for name, row in result["results"].items():
        cells = [
            _title(result) if name == next(iter(result["results"])) else "",
            name + (" *" if "note" in row else ""),
            seconds(row["first_call"]),
            seconds(median(row["seconds"])),
            seconds(min(row["seconds"])),
            "" if name == OURS or (ratio := speedup(result, name)) is None else f"{ratio:.2g} x",
            memory(row.get("memory"), result["bytes"]),
            f"{row['score_name']} {row['score']:.6g}" + (f", {row['n_iter']} steps" if "n_iter" in row else ""),
        ]
        yield f"| {' | '.join(cells)} |"


def speedup(result, peer):
    """How many times our median fits into the peer's; None without one of the two."""
    rows = result["results"]
    if OURS not in rows or peer not in rows:
        return None
    return median(rows[peer]["seconds"]) / median(rows[OURS]["seconds"])


def seconds(value):
    """0.0123 -> '12.3 ms'."""
    for unit, scale in (("s", 1.0), ("ms", 1e3)):
        if value * scale >= 1:
            return f"{value * scale:.3g} {unit}"
    return f"{value * 1e6:.3g} us"


def memory(peak, n_bytes):
    """Mebibytes, and the share of X; nothing where it was not measured."""
    return "" if peak is None else f"{peak / 2**20:.0f} MiB ({peak / n_bytes:.0%})"


def _title(result):
    n_samples, n_features = result["shape"]
    return f"{result['workload']} ({n_samples:,}, {n_features}) {result['dtype']}"


def _where(machine):
    versions = ", ".join(f"{name} {number}" for name, number in machine["versions"].items())
    return f"{machine['cpu']}, {machine['cores']} cores, Python {machine['python']}, {versions}"


def _chart(results, path):
    """How many times as fast as scikit-learn each contender is, as bars."""
    from matplotlib.figure import Figure

    results = [result for result in results if "scikit-learn" in result["results"]]
    if not results:
        return
    names = list(dict.fromkeys(name for result in results for name in result["results"]))
    figure = Figure(figsize=(8, 1.2 + 0.25 * len(names) * len(results)), layout="constrained")
    axes = figure.subplots()
    height = 0.8 / len(names)
    for i, name in enumerate(names):
        present = [(k, r["results"]) for k, r in enumerate(results) if name in r["results"]]
        speeds = [median(r["scikit-learn"]["seconds"]) / median(r[name]["seconds"]) for _, r in present]
        bars = axes.barh([k + i * height for k, _ in present], speeds, height, label=name, color=COLORS.get(name))
        axes.bar_label(bars, fmt="%.1f", padding=2, fontsize=8)
    axes.set_yticks([k + 0.4 - height / 2 for k in range(len(results))], [r["workload"] for r in results])
    axes.invert_yaxis()
    axes.margins(x=0.1)
    axes.axvline(1, color="0.6", linewidth=0.8)
    axes.set_xlabel("times as fast as scikit-learn (medians)")
    axes.legend(loc="lower right", fontsize=8)
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=120)
