"""What training costs beside its arithmetic: the loop, and the start of a run.

    python benchmarks/training.py [--repetitions 5] [--steps 600] [--no-start]
    python benchmarks/training.py --device gpu --widths 256 768 --batch-units 16384 --no-start

The loop trains the default study's GPT, at widths 32, 128 and 192 in batches of 256 tokens unless told otherwise: ours,
with all that a run does in it (batches from the dataset's file, points of the curve, progress, looking whether to
save), against a bare PyTorch loop of the same module, optimiser, schedule and clipping that has its windows in memory
already and records nothing. Both alternate in one process; the ratio is the median over pairs. `of the peak` is the
share that our FLOP/s, counted as in the plan, have of the largest fp32 matrix product, timed in between. Seconds are
those of one CPU thread, or on a GPU of the clock, until the GPU is done.

The start is that of a run of ten steps, against the least that PyTorch and Accelerate themselves take.
"""

import os

os.environ |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}

import argparse
import json
import resource
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import numpy as np
import torch
from accelerate import Accelerator
from torch.nn.functional import cross_entropy
from torch.nn.utils import clip_grad_norm_

from flopscape.config.machine import Prices
from flopscape.config.read import load_study
from flopscape.config.study import Study
from flopscape.dag.commands import launch_command
from flopscape.machine.measured import Options
from flopscape.plugins.prepare import prepare_dataset
from flopscape.recipe.schedule import learning_rate_factor
from flopscape.text.terminal import aligned
from flopscape.training.build import build_module, make_accelerator
from flopscape.training.checkpointing import Checkpointer
from flopscape.training.components import Parts, load_parts
from flopscape.training.logbook import Progress
from flopscape.training.loop import Loop
from flopscape.training.optimizer import make_optimizer
from flopscape.training.outcome import Outcome
from flopscape.training.spec import check_spec

ROOT = Path(__file__).resolve().parent.parent
OPTIMISE = (
    "m = torch.nn.Linear(8, 8); o = torch.optim.AdamW(m.parameters()); m(torch.ones(8)).sum().backward(); o.step()"
)
STARTS = {
    "import torch": ("-c", "import torch"),
    "Accelerator and one step of AdamW": (
        "-c",
        f"import torch; from accelerate import Accelerator; Accelerator(cpu=True); {OPTIMISE}",
    ),
}


def seconds(function: Callable[[], object], device: torch.device) -> float:
    """CPU time, or on a GPU the time until it is done."""
    if device.type == "cpu":
        start = time.process_time()
        function()
        return time.process_time() - start
    torch.accelerator.synchronize()
    start = time.perf_counter()
    function()
    torch.accelerator.synchronize()
    return time.perf_counter() - start


def study() -> Study:
    return load_study(ROOT / "config/studies/kjv-gpt.yaml")


def parts_of(width: int, n_steps: int, data: Path, batch_units: int | None = None) -> Parts:
    """A run of the default study, without held-out scores on the way, which a bare loop does not have either."""
    shown = study()
    settings = shown.training.changes() | {"curve_heldout_points": 0}
    batch_units = batch_units or shown.training.batch_units
    settings["batch_units"] = batch_units
    spec = {"model": shown.model.spec(), "dataset": shown.dataset.spec() if shown.dataset else {}, "recipe": 1}
    spec |= {"loss": shown.loss.spec(), "training": settings, "size": {"width": width, "depth": 2}, "seed": 0}
    return load_parts(check_spec(spec | {"n_tokens": n_steps * batch_units}), data)


def our_loop(parts: Parts, accelerator: Accelerator, folder: Path) -> Callable[[], object]:
    """The loop as training/train.py runs it."""
    task, outcome, module = parts.task, Outcome(), build_module(parts).to(accelerator.device)
    batches = parts.dataset.batches(parts.folder, "train", task.settings.batch_units, task.seed, 0, 1, 0)
    loop = Loop(task, accelerator, module, make_optimizer(parts, module), parts.loss, outcome)
    progress = Progress(task.n_steps, "token", outcome)
    keeper = Checkpointer(parts, accelerator, folder, None, [])
    return lambda: loop.run(batches, lambda: 0.0, progress, keeper.after_step)


def bare_loop(parts: Parts, device: torch.device) -> Callable[[], object]:
    """What a script of one's own would do; fused AdamW like ours, for the comparison is of loops."""
    task, settings, module = parts.task, parts.task.settings, build_module(parts).to(device)
    context = parts.dataset.context  # type: ignore[attr-defined]
    text = np.fromfile(parts.folder / "train.bin", np.uint8).astype(np.int64)
    windows = torch.from_numpy(np.lib.stride_tricks.sliding_window_view(text, context + 1)[::context].copy()).to(device)
    rows = settings.batch_units // context
    order = torch.randint(len(windows), (task.n_steps, rows), generator=torch.Generator().manual_seed(0)).to(device)
    betas = (settings.beta1, settings.beta2)
    optimizer = torch.optim.AdamW(
        module.parameters(), lr=task.learning_rate, betas=betas, weight_decay=settings.weight_decay, fused=True
    )

    def run() -> None:
        for step in range(1, task.n_steps + 1):
            factor = learning_rate_factor(step, task.n_steps, settings.warmup_fraction, settings.decay_fraction)
            optimizer.param_groups[0]["lr"] = task.learning_rate * factor
            tokens = windows[order[step - 1]]
            loss = cross_entropy(module(tokens[:, :-1]).flatten(0, 1), tokens[:, 1:].reshape(-1))
            loss.backward()
            clip_grad_norm_(module.parameters(), settings.gradient_clip)
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)

    return run


def peak_flops(device: torch.device) -> float:
    """FLOP/s of the fp32 product of two matrices, the best of five."""
    size = 1024 if device.type == "cpu" else 8192
    a, b = torch.randn(2, size, size, device=device)
    return max(2 * size**3 / seconds(lambda: torch.mm(a, b), device) for _ in range(5))


def loop_row(width: int, options: argparse.Namespace, data: Path, accelerator: Accelerator) -> list[str]:
    """Tokens per second of both loops, their ratio, and the share of the peak."""
    parts, device = parts_of(width, options.steps, data, options.batch_units), accelerator.device
    ours, bare, peaks = [], [], []
    for pair in range(options.repetitions):
        timed = [(ours, our_loop(parts, accelerator, data / "checkpoints")), (bare, bare_loop(parts, device))]
        for rates, run in timed if pair % 2 else reversed(timed):
            rates.append(parts.task.n_tokens / seconds(run, device))
        peaks.append(peak_flops(device))
    ratio = median(a / b for a, b in zip(ours, bare, strict=True))
    share = median(ours) * parts.counts.flops_per_unit / max(peaks)
    return [str(width), f"{median(ours):,.0f}", f"{median(bare):,.0f}", f"{ratio:.3f}", f"{share:.0%}",
            f"{max(peaks) / 1e9:.0f}"]  # fmt: skip


def children_seconds(words: list[str], folder: Path) -> float:
    """CPU seconds of a command with all processes that it starts."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(words, cwd=folder, check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def start_rows(repetitions: int, data: Path) -> list[list[str]]:
    """Median CPU seconds of starting each way, in turns."""
    folder = data.parent
    spec = parts_of(16, 10, data).task.spec
    spec["training"] |= {"heldout_units": 256, "curve_heldout_units": 64}
    run = [json.dumps(spec), "--out", "run.json", "--data", str(data)]
    (folder / "step.py").write_text(f"{STARTS['Accelerator and one step of AdamW'][1]}\n")
    launcher = "accelerate launch -q --cpu --num_processes 1 --num_machines 1 --mixed_precision no --dynamo_backend no"
    commands = {name: [sys.executable, *words] for name, words in STARTS.items()}
    commands["the same under accelerate launch"] = [*launcher.split(), "--num_cpu_threads_per_process", "1", "step.py"]
    commands["a run of ten steps as the plan starts it"] = [*shlex.split(launch_command(study(), Prices())), *run]
    spent: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(repetitions):
        for name, words in commands.items():
            spent[name].append(children_seconds(words, folder))
    return [[name, f"{median(values):.2f}"] for name, values in spent.items()]


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--steps", type=int, default=600)
    parser.add_argument("--no-start", action="store_true")
    parser.add_argument("--device", choices=("cpu", "gpu"), default="cpu")
    parser.add_argument("--widths", type=int, nargs="+", default=[32, 128, 192])
    parser.add_argument("--batch-units", type=int, help="tokens of a batch; the study's when left out")
    options = parser.parse_args()
    dataset = study().dataset
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "data"
        prepare_dataset(dataset.spec() if dataset else {}, data)
        rate = "tokens/CPU-s" if options.device == "cpu" else "tokens/s"
        lines = [["width", rate, "bare loop", "ratio", "of the peak", "peak, GFLOP/s"]]
        accelerator = make_accelerator(study().training, Options(device=options.device))
        for width in options.widths:
            lines.append(loop_row(width, options, data, accelerator))
        print(aligned(lines, right={0, 1, 2, 3, 4, 5}), flush=True)
        if not options.no_start:
            rows = start_rows(options.repetitions, data)
            print("", aligned([["start", "CPU s"], *rows], right={1}), sep="\n")


if __name__ == "__main__":
    main()
