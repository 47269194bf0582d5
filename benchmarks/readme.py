"""Write the measured tables into README.md: `python benchmarks/readme.py` after `--save`.

What stands between the two marks comes from benchmarks/results/ alone; a test compares them.
"""

import json
from statistics import median

from _harness import HERE
from _report import OURS, load, memory, seconds, speedup

README = HERE.parent / "README.md"
BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"
PEERS = "scikit-learn", "scikit-learn-intelex"
ALONE = {"fit", "fit_transform", "operate"}  # runs that go without saying
SETTINGS = {"n_clusters", "svd_solver", "n_estimators", "covariance_type"}  # those that tell two rows apart


def main():
    before, _, rest = README.read_text().partition(BEGIN)
    after = rest.partition(END)[2]
    README.write_text(before + measured() + after)


def measured():
    """The text between the marks, marks included."""
    results = [result for result in load(HERE / "results") if OURS in result["results"]]
    small = [result for result in results if result["workload"].startswith("iris_")]
    large = [result for result in results if result not in small]
    parts = [BEGIN]
    if large:
        parts += [_where(large), _table(large)]
    if small:
        parts += ["On iris, 150 rows and 4 columns, where overhead is all there is:", _table(small)]
    return "\n\n".join([*parts, *_startup(HERE / "results" / "startup.json"), END])


def _where(results):
    machines = sorted((result["machine"] for result in results), key=lambda machine: machine["date"])
    oldest, newest = machines[0], machines[-1]
    versions = ", ".join(f"{name} {newest['versions'][name]}" for name in PEERS)
    dates = " to ".join(dict.fromkeys((oldest["date"], newest["date"])))
    cpus = " or ".join(dict.fromkeys(machine["cpu"] for machine in machines))
    return (
        f"Medians on {newest['cores']} cores ({cpus}; each row on one), {dates}, against {versions}; in brackets how "
        "many times as fast ours is. Memory is the peak of a fit beyond X, in parts of X."
    )


def _table(results):
    rows = [
        "| estimator | data | ours | scikit-learn | scikit-learn-intelex | others | memory: ours, scikit-learn |",
        "|---|---|---|---|---|---|---|",
    ]
    return "\n".join(rows + [_row(result) for result in results])


def _row(result):
    n_samples, n_features = result["shape"]
    name = result["estimator"].rpartition(".")[2]
    settings = [f"{key}={value}" for key, value in result["params"].items() if key in SETTINGS]
    settings = ", ".join(settings + ([] if result["run"] in ALONE else [result["run"].replace("_", " ")]))
    classes = ", 10 classes" if "10_classes" in result["workload"] else ""
    ours = result["results"][OURS]
    cells = [
        f"{name} ({settings})" if settings else name,
        f"{n_samples:,} x {n_features} {result['dtype']}{classes}",
        seconds(median(ours["seconds"])),
        *(_peer(result, peer) for peer in PEERS),
        ", ".join(f"{name} {_peer(result, name)}" for name in result["results"] if name not in (OURS, *PEERS)),
        ", ".join(_share(result, library) for library in (OURS, "scikit-learn")) if "memory" in ours else "",
    ]
    return f"| {' | '.join(cells)} |"


def _peer(result, peer):
    row = result["results"].get(peer)
    if row is None:
        return "has none"
    if "note" in row:
        return row["note"]
    ours = result["results"][OURS]["score"]
    unequal = f"; {row['score_name']} {row['score']:.4g}, ours {ours:.4g}"
    if abs(row["score"] - ours) <= 0.01 * abs(ours):
        unequal = ""
    return f"{seconds(median(row['seconds']))} ({speedup(result, peer):.2g} x{unequal})"


def _share(result, library):
    peak = result["results"].get(library, {}).get("memory")
    return "?" if peak is None else memory(peak, result["bytes"]).partition("(")[2].rstrip(")")


def _startup(path):
    """One sentence on imports and the compiler, where they were measured."""
    if not path.is_file():
        return
    startup = json.loads(path.read_text())["startup"]
    first, later = (max(startup[kind].items(), key=lambda item: item[1]) for kind in ("first", "later"))
    yield (
        f"Importing adds {startup['import']:.2f} s to importing scikit-learn. The first fit on a new machine waits up "
        f"to {first[1]:.1f} s for the compiler ({first[0]}), a later process up to {later[1]:.1f} s ({later[0]}); "
        "`python -m ghostflow_learn warmup` compiles everything ahead."
    )


if __name__ == "__main__":
    main()
