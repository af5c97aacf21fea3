"""What a sweep costs besides its runs: dry run, execution, collection, and all from the records to the report.

    python benchmarks/scale.py                    # up to 10,000 runs, of which 3,000 are executed: half an hour
    python benchmarks/scale.py --runs 100 1000 --executed 100

The runs are simulated, so all CPU time is overhead. Beside the workflow stands what a user would write instead: for the
dry run a Snakefile with as many runs that only write a parameter to a file, for the execution a shell loop that starts
`flopscape train` once a run.
"""

import argparse
import json
import math
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import psutil

from flopscape.config.read import load_study
from flopscape.plan.rows import plan_rows
from flopscape.plugins.surface import Surface

ROOT = Path(__file__).resolve().parent.parent
COPIED = ("Snakefile", "workflow", "config", "profiles", "envs")
SURFACE = {"E": 1.69, "A": 406.4, "B": 410.7, "alpha": 0.34, "beta": 0.28, "noise": 0.005}
BUDGETS, SIZES = 10, 10

BARE = """
IDS = [f"{{i:012x}}" for i in range({n_runs})]
rule all:
    input: [f"runs/{{run_id}}.json" for run_id in IDS]
rule run:
    output: "runs/{{run_id}}.json"
    params: spec=lambda wildcards: wildcards.run_id
    shell: "echo {{params.spec:q}} > {{output}}"
"""


def study(n_runs: int) -> dict[str, object]:
    """A simulated IsoFLOP sweep of 10 budgets × 10 sizes × as many seeds as it takes."""
    budgets = [10 ** (18 + 3 * i / (BUDGETS - 1)) for i in range(BUDGETS)]
    sizes = [{"n_params": int(10 ** (8 + 2 * i / (SIZES - 1)))} for i in range(SIZES)]
    return {
        "title": f"{n_runs} simulated runs",
        "model": {"plugin": "flopscape.plugins.parameters:Parameters"},
        "trainer": {"plugin": "flopscape.plugins.surface:Surface", "kwargs": SURFACE},
        "sweep": {"isoflop": {"budgets": budgets, "sizes": sizes, "seeds": n_runs // (BUDGETS * SIZES)}},
        "fits": [{"name": "approach2", "method": "approach2"}],
        "recommend": {"flops": [1e22]},
        "twin": {"simulations": 20, "bootstrap": 20, "answer_simulations": 2},
    }


def checkout(folder: Path, n_runs: int) -> Path:
    """A copy of the checkout with the study `scale`."""
    for name in COPIED:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy2
        copy(ROOT / name, folder / name)
    (folder / "config/studies/scale.yaml").write_text(json.dumps(study(n_runs)))
    return folder


def measured(folder: Path, *words: str) -> tuple[float, float]:
    """CPU seconds of a command and of all it starts, and the peak memory of its own process in MB."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    env = os.environ | {"PYTHONPATH": str(folder / "workflow"), "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(words, cwd=folder, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    peak = [0.0]
    watch = threading.Thread(target=_watch, args=(process.pid, peak))
    watch.start()
    _, errors = process.communicate()
    watch.join()
    if process.returncode:
        sys.exit(errors[-2000:])
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, peak[0]


def _watch(pid: int, peak: list[float]) -> None:
    """Follow the largest resident memory of a process until it ends."""
    process = psutil.Process(pid)
    try:
        while process.status() != psutil.STATUS_ZOMBIE:
            peak[0] = max(peak[0], process.memory_info().rss / 2**20)
            time.sleep(0.05)
    except psutil.NoSuchProcess:
        pass


def write_records(folder: Path) -> None:
    """Every record of the study, made in this process: what collecting reads."""
    trainer, runs = Surface(**SURFACE), folder / "results/scale/runs"
    for row in plan_rows(load_study(folder / "config/studies/scale.yaml")):
        trainer.train(row.spec).write(runs / f"{row.run_id}.json")


def line(n_runs: int, executed: bool) -> list[float]:
    """Dry run of a bare Snakefile and of the workflow, its memory, execution a run, collection, records to report."""
    with tempfile.TemporaryDirectory() as name:
        folder = checkout(Path(name), n_runs)
        bare = bare_seconds(n_runs)
        dry, memory = measured(folder, *["snakemake", "-n", "-q", "rules", "--config", "studies=scale"])
        run = math.nan
        if executed:
            run, _ = measured(folder, *["snakemake", "--until", "train_run", "--config", "studies=scale"])
        else:
            write_records(folder)
        words = "flopscape collect config/studies/scale.yaml --runs results/scale/runs --out runs.csv"
        collect, _ = measured(folder, *words.split())
        report, _ = measured(folder, *["snakemake", "--config", "studies=scale"])
    return [bare, dry, memory, run / n_runs, collect, report]


def bare_seconds(n_runs: int) -> float:
    """CPU seconds of the dry run of a Snakefile that says nothing but its runs, with the same scheduler."""
    with tempfile.TemporaryDirectory() as name:
        (Path(name) / "Snakefile").write_text(BARE.format(n_runs=n_runs))
        words = "snakemake -n -q rules --cores 1 --scheduler greedy --scheduler-subsample 100"
        return measured(Path(name), *words.split())[0]


def loop_seconds(n_runs: int = 20) -> float:
    """CPU seconds a run of a shell loop over `flopscape train`."""
    with tempfile.TemporaryDirectory() as name:
        folder = checkout(Path(name), 100)
        specs = [json.dumps(row.spec) for row in plan_rows(load_study(folder / "config/studies/scale.yaml"))[:n_runs]]
        return sum(measured(folder, "flopscape", "train", spec, "--out", "run.json")[0] for spec in specs) / n_runs


def main(runs: Sequence[int], executed: int) -> None:
    """Print the table, and how each column grows from the second largest to the largest sweep."""
    columns = ["bare dry run, CPU s", "dry run, CPU s", "memory, MB", "execution, CPU s/run", "collect, CPU s"]
    columns.append("records to report, CPU s")
    print(f"{'runs':>7}  " + "  ".join(columns))
    rows = []
    for n_runs in runs:
        rows.append(line(n_runs, n_runs <= executed))
        print(f"{n_runs:>7,}  {_aligned(rows[-1], columns)}", flush=True)
    if len(runs) > 1:
        slopes = [math.log(b / a) / math.log(runs[-1] / runs[-2]) for a, b in zip(rows[-2], rows[-1], strict=True)]
        print(f"  slope  {_aligned(slopes, columns)}")
        print("(the power of the number of runs that a column grows with, between the last two rows; 1 is linear)")
    print(f"a shell loop of `flopscape train`: {loop_seconds():.3f} CPU s a run")


def _aligned(values: Sequence[float], columns: Sequence[str]) -> str:
    return "  ".join(f"{value:>{len(column)}.3g}" for value, column in zip(values, columns, strict=True))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--runs", type=int, nargs="+", default=[100, 1_000, 3_000, 10_000], help="sizes of the sweep, hundreds"
    )
    parser.add_argument("--executed", type=int, default=3_000, help="run the workflow up to this many runs")
    parsed = parser.parse_args()
    main(parsed.runs, parsed.executed)
