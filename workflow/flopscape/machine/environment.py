"""What of the environment reaches a run: its place among the processes of the run, nothing that decides its result.

Torch and Accelerate read many variables, some of them while they are imported: this imports neither. The lists are
those of accelerate 1.15 (state.py, accelerator.py, parallelism_config.py, utils/dataclasses.py, utils/environment.py)
and of torch 2.13 with the libraries below it.
"""

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from fnmatch import fnmatchcase
from typing import NamedTuple

from flopscape.errors import FlopscapeError

DECIDING = (
    # Accelerate: precision, accumulation, compilation, device, and how a model is cut up.
    *("ACCELERATE_*", "FSDP_*", "MEGATRON_LM_*", "PARALLELISM_CONFIG_*", "DEEPSPEED_*", "FORK_LAUNCHED"),
    *("USE_TORCH_XLA", "XLA_*", "PJRT_*"),
    # Compilation.
    *("TORCHDYNAMO_*", "TORCH_DYNAMO_*", "TORCHINDUCTOR_*", "TORCH_COMPILE*", "TRITON_INTERPRET"),
    *("PYTORCH_JIT*", "PYTORCH_TENSOREXPR*"),
    # Which algorithms do the arithmetic, in how many threads, and in which precision.
    *("ATEN_CPU_CAPABILITY", "DNNL_*", "ONEDNN_*", "MKL_*", "MKLDNN_*", "OMP_*", "TORCH_MKLDNN_*", "TORCH_LINEAR_*"),
    *("CUBLAS_*", "CUBLASLT_*", "NVIDIA_TF32_OVERRIDE", "TORCH_ALLOW_TF32_*", "TORCH_BLAS_*", "TORCH_LINALG_*"),
    *("TORCH_CUDNN_*", "PYTORCH_TUNABLEOP_*", "PYTORCH_MIOPEN_*", "TORCH_ROCM_*"),
    # Accelerate's tracker would log into another run of another experiment.
    *("MLFLOW_EXPERIMENT_NAME", "MLFLOW_RUN_ID", "MLFLOW_TAGS", "MLFLOW_NESTED_RUN"),
)
"""Names, as patterns, of variables that could change a run: its spec and options alone decide it."""

HARMLESS = (
    *("TORCHINDUCTOR_CACHE_DIR", "TORCHINDUCTOR_COMPILE_THREADS", "TORCHINDUCTOR_WORKER_START"),
    *("TORCH_COMPILE_DEBUG*", "ONEDNN_VERBOSE*", "DNNL_VERBOSE*", "MKL_VERBOSE*", "MKL_ROOT"),
    *("MKL_THREADING_LAYER", "MKL_INTERFACE_LAYER", "MKL_SERVICE_FORCE_INTEL"),
    *("OMP_PROC_BIND", "OMP_PLACES", "OMP_WAIT_POLICY", "OMP_STACKSIZE", "OMP_DISPLAY_*"),
)
"""Those among them that say where a cache lies, where threads sit, or what is printed; and which of its libraries MKL
loads, without which torch and numpy of conda cannot be imported together."""

AGENT = "TORCHELASTIC_*"
"""Variables by which torchrun and its workers know each other."""

LAUNCHERS = (
    *("RANK", "LOCAL_RANK", "WORLD_SIZE", "LOCAL_WORLD_SIZE", "GROUP_RANK", "GROUP_WORLD_SIZE", "NODE_RANK"),
    *("ROLE_RANK", "ROLE_WORLD_SIZE", "ROLE_NAME", "MASTER_ADDR", "MASTER_PORT", AGENT, "PET_*", "TORCHCOMM_*"),
    *("OMPI_*", "PMI_*", "PMIX_*", "MV2_*", "MPI_LOCAL*", "I_MPI_*", "CCL_*"),
)
"""Names by which torchrun and MPI tell a process of its place; SLURM's are read by neither torch nor Accelerate."""

SET_ASIDE = "FLOPSCAPE_SET_ASIDE"
"""Environment variable by which `flopscape launch` tells its trainers what it has set aside; the rest is its own."""

THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS")
"""How many threads a process computes in, for torch and for MKL below it."""

TORCH = ("RANK", "WORLD_SIZE", "LOCAL_RANK")
FAMILIES = (
    TORCH,
    ("PMI_RANK", "PMI_SIZE", "MPI_LOCALRANKID"),
    ("OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_LOCAL_RANK"),
    ("MV2_COMM_WORLD_RANK", "MV2_COMM_WORLD_SIZE", "MV2_COMM_WORLD_LOCAL_RANK"),
    ("SLURM_PROCID", "SLURM_STEP_NUM_TASKS", "SLURM_LOCALID"),
)
"""Where launchers write a process's number, how many there are, and its number on its machine."""


class Place(NamedTuple):
    """One of several processes: its number, in torch's own variables, and whether torch's launcher wrote them."""

    rank: int
    variables: dict[str, str]
    torchs: bool


def leftovers(environment: Mapping[str, str], place: Place | None) -> list[str]:
    """Names of the variables that a run must not see; `place` is None for a run of one process, and for a launcher.

    >>> leftovers({"ACCELERATE_MIXED_PRECISION": "bf16", "RANK": "3", "HOME": "/root"}, None)
    ['ACCELERATE_MIXED_PRECISION', 'RANK']
    """
    strangers = LAUNCHERS if place is None else () if place.torchs else (AGENT,)
    patterns = (*DECIDING, *strangers)
    return sorted(name for name in environment if _is_one(name, patterns) and not _is_one(name, HARMLESS))


def _is_one(name: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def place_among(processes: int, environment: Mapping[str, str], needs_local_rank: bool) -> Place:
    """The place of this process among so many, from whatever started it.

    Raises
    ------
    FlopscapeError
        No launcher speaks of so many processes, two of them contradict each other, or something is missing: waiting
        for the others would be in vain.
    """
    # A launcher that speaks of another number of processes has left its variables from another launch, or started this
    # one as a whole: only those that agree on the number say anything of a place.
    fitting = [family for family in FAMILIES if environment.get(family[1]) == str(processes)]
    whole = [family for family in fitting if environment.get(family[0], "").isdecimal()]
    cure = f"start them by flopscape launch --processes {processes}"
    if not whole:
        stated = [f"{name}={environment[name]}" for family in FAMILIES for name in family[:2] if name in environment]
        raise FlopscapeError(
            f"{processes} processes were asked for and the environment names "
            f"{'others (' + ' '.join(stated) + ')' if stated else 'none'}; {cure}"
        )
    rank = int(environment[whole[0][0]])
    others = [family for family in whole if int(environment[family[0]]) != rank]
    # torchrun may be started by mpirun, and then numbers the processes in its own order.
    if others and "TORCHELASTIC_RUN_ID" not in environment:
        raise FlopscapeError(
            f"{whole[0][0]} is {rank} and {others[0][0]} is {environment[others[0][0]]}: one of them was left by "
            f"another launcher; unset it, or {cure}"
        )
    local = environment.get(whole[0][2], "" if needs_local_rank else "0")
    variables = {
        **dict(zip(TORCH, (str(rank), str(processes), local), strict=True)),
        "MASTER_ADDR": environment.get("MASTER_ADDR", ""),
        "MASTER_PORT": environment.get("MASTER_PORT", "29500"),  # Accelerate's own
    }
    _check(rank, processes, variables, whole[0], cure)
    return Place(rank, variables, whole[0] == TORCH)


def _check(rank: int, processes: int, variables: Mapping[str, str], family: tuple[str, ...], cure: str) -> None:
    local, port = variables["LOCAL_RANK"], variables["MASTER_PORT"]
    wrong = {
        f"{family[0]} is {rank}, of {processes} processes": rank >= processes,
        f"{family[2]} is {local!r}, no number below {processes}": not local.isdecimal() or int(local) >= processes,
        "MASTER_ADDR is not set": not variables["MASTER_ADDR"],
        f"MASTER_PORT is {port!r}, no number of a port": not port.isdecimal() or not 0 < int(port) < 65536,
    }
    if fault := next((sentence for sentence, is_wrong in wrong.items() if is_wrong), ""):
        raise FlopscapeError(f"{fault}: these processes could not meet; {cure}")


@contextmanager
def own_environment(processes: int, threads: int, device: str | None) -> Iterator[list[str]]:
    """Inside, the environment of this process holds its place among the processes of its run, and nothing that decides.

    Yields
    ------
    list of str
        Names of the variables that were set aside, by this process or by the launcher that started it.

    Raises
    ------
    FlopscapeError
        The place is wrong; see `place_among`.
    """
    place = place_among(processes, os.environ, device != "cpu") if processes > 1 else None
    before = take_over(threads, place)
    try:
        yield os.environ[SET_ASIDE].split() if SET_ASIDE in os.environ else changed(before)
    finally:
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value


def take_over(threads: int, place: Place | None = None) -> dict[str, str | None]:
    """Set leftovers aside and write what is in force; what these variables held before."""
    # Read by torch and MKL while they are imported: so it is set before, and for the processes that this one starts.
    now = dict.fromkeys(THREADS, str(threads)) | (place.variables if place else {})
    # What is set is remembered together with what is removed: the end puts both back.
    before = {name: os.environ.get(name) for name in [*leftovers(os.environ, place), *now]}
    for name in before:
        os.environ.pop(name, None)
    os.environ |= now
    return before


def changed(before: Mapping[str, str | None]) -> list[str]:
    """Names of variables that held something else than they do now."""
    return sorted(name for name, value in before.items() if value is not None and value != os.environ.get(name))


def note(names: Iterable[str]) -> str:
    """What a person is told of variables that were set aside."""
    return f"set aside, for a run's spec and options alone decide it: {', '.join(names)}"
