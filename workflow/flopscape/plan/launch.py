"""The command that carries out one run of a study, up to its spec. Options here never decide a result."""

import shlex

from flopscape.config import Prices, Resources, Study, Tracking


def launch_command(study: Study, prices: Prices) -> str:
    """Simulated runs start directly; the training loop starts under `accelerate launch`."""
    if study.simulated:
        return "flopscape train"
    resources = study.resources
    usd = prices.usd_per_gpu_hour if resources.device == "gpu" else prices.usd_per_cpu_hour * resources.threads
    given = f"--processes {resources.processes} --usd-per-hour {usd:g}{_tracking(study.tracking)}"
    return f"{_accelerate(resources)} -m flopscape.training {given}"


def _tracking(tracking: Tracking) -> str:
    words = [f" --tracker {name}" for name in tracking.trackers]
    if words and tracking.folder:
        words.append(f" --tracking-folder {shlex.quote(tracking.folder)}")
    return "".join(words)


def _accelerate(resources: Resources) -> str:
    """`accelerate launch` with every option it would otherwise ask or guess.

    `--cpu --num_processes 2` would start a single process without a word: several CPU processes need `--multi_gpu`.
    With `-q` a refused run ends in its own sentence and not in the launcher's traceback.
    """
    several = resources.processes > 1
    kind = "--multi_gpu --main_process_port 0" if several else ("--cpu" if resources.device == "cpu" else "")
    words = (
        f"accelerate launch -q {kind} --num_processes {resources.processes} --num_machines 1 --mixed_precision no "
        f"--dynamo_backend no --num_cpu_threads_per_process {resources.threads}"
    )
    return " ".join(words.split())
