"""The command that carries out one run of a study, up to its spec. Options here never decide a result."""

from collections.abc import Sequence

from flopscape.config import Prices, Resources, Study
from flopscape.records import PlanRow


def launch_command(study: Study, prices: Prices, branches: Sequence[PlanRow] = ()) -> str:
    """Simulated runs start directly; the training loop under `accelerate launch`, with the branches that it serves."""
    if study.simulated:
        return "flopscape train"
    resources = study.resources
    usd = prices.usd_per_gpu_hour if resources.device == "gpu" else prices.usd_per_cpu_hour * resources.threads
    command = f"{_accelerate(resources)} -m flopscape.training --processes {resources.processes} --usd-per-hour {usd:g}"
    return f"{command} --branches {','.join(str(row.n_tokens) for row in branches)}" if branches else command


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
