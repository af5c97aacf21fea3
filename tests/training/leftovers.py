"""Variables that other launchers leave in the environment, with values of theirs and with nonsense."""

import json
import os
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

NUMBERS = ("0", "1", "2", "4", "-1", "", "abc")
FLAGS = ("true", "false", "1", "yes", "maybe", "")
RENDEZVOUS = ("RANK", "LOCAL_RANK", "WORLD_SIZE", "LOCAL_WORLD_SIZE", "NODE_RANK", "GROUP_RANK", "ROLE_RANK")
MPI = (
    *("OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_LOCAL_RANK", "OMPI_COMM_WORLD_LOCAL_SIZE"),
    *("PMI_SIZE", "PMI_RANK", "PMIX_RANK", "MPI_LOCALRANKID", "MPI_LOCALNRANKS", "MV2_COMM_WORLD_SIZE"),
    *("MV2_COMM_WORLD_RANK", "MV2_COMM_WORLD_LOCAL_RANK", "CCL_WORKER_COUNT", "CCL_LOCAL_RANK"),
)
SLURM = ("SLURM_JOB_ID", "SLURM_PROCID", "SLURM_NTASKS", "SLURM_LOCALID", "SLURM_NODEID", "SLURM_STEP_NUM_TASKS")
SWITCHES = (
    *("ACCELERATE_USE_DEEPSPEED", "ACCELERATE_USE_FSDP", "ACCELERATE_USE_MEGATRON_LM", "ACCELERATE_USE_CPU"),
    *("ACCELERATE_USE_PARALLELISM_CONFIG", "ACCELERATE_USE_SAGEMAKER", "ACCELERATE_DEBUG_MODE", "USE_TORCH_XLA"),
    *("ACCELERATE_DYNAMO_USE_FULLGRAPH", "ACCELERATE_DYNAMO_USE_DYNAMIC", "ACCELERATE_CPU_AFFINITY", "FORK_LAUNCHED"),
    *(
        "FSDP_OFFLOAD_PARAMS",
        "FSDP_CPU_RAM_EFFICIENT_LOADING",
        "ACCELERATE_DOWNCAST_BF16",
        "TORCHELASTIC_USE_AGENT_STORE",
    ),
    *("TORCHINDUCTOR_MAX_AUTOTUNE", "MKL_DYNAMIC", "OMP_DYNAMIC", "NVIDIA_TF32_OVERRIDE", "TORCH_LINEAR_FLATTEN_3D"),
)
OTHERS = {
    "MASTER_ADDR": ("127.0.0.1", "no.such.host.invalid", ""),
    "MASTER_PORT": ("29500", "0", "99999", "http"),
    "ACCELERATE_MIXED_PRECISION": ("bf16", "fp16", "fp8", "half"),
    "ACCELERATE_GRADIENT_ACCUMULATION_STEPS": ("2", "4", "0", "auto"),
    "ACCELERATE_DYNAMO_BACKEND": ("inductor", "eager", "none"),
    "ACCELERATE_DYNAMO_MODE": ("max-autotune", "fast"),
    "ACCELERATE_TORCH_DEVICE": ("meta", "cuda", "tpu"),
    "ACCELERATE_FP8_BACKEND": ("TE", "AO", "none"),
    "FSDP_VERSION": ("1", "2", "x"),
    "FSDP_SHARDING_STRATEGY": ("FULL_SHARD", "3"),
    "PARALLELISM_CONFIG_TP_SIZE": ("2", "x"),
    "PARALLELISM_CONFIG_CP_SIZE": ("2", "x"),
    "MEGATRON_LM_TP_DEGREE": ("2", "x"),
    "OMP_NUM_THREADS": ("2", "0", "-1", "many"),
    "MKL_NUM_THREADS": ("2", "0", "many"),
    "MKL_CBWR": ("COMPATIBLE", "AVX2"),
    "ATEN_CPU_CAPABILITY": ("default", "avx2", "best"),
    "ONEDNN_MAX_CPU_ISA": ("SSE41", "AVX2"),
    "ONEDNN_DEFAULT_FPMATH_MODE": ("BF16", "ANY"),
    "CUBLAS_WORKSPACE_CONFIG": (":16:8", "x"),
    "TORCHDYNAMO_DISABLE": ("1", "x"),
    "TORCH_COMPILE_DISABLE": ("1", "x"),
    "PYTORCH_JIT": ("0", "x"),
    "TORCHELASTIC_RUN_ID": ("none", "7"),
    "TORCHELASTIC_MAX_RESTARTS": ("3", "x"),
    "PET_NNODES": ("2", "x"),
    "PET_NPROC_PER_NODE": ("4", "gpu"),
    "SLURM_JOB_END_TIME": ("1", "soon"),
    "SLURM_JOB_NODELIST": ("gpu[07-09]", ""),
    "NCCL_SOCKET_IFNAME": ("eth7",),
    "GLOO_SOCKET_IFNAME": ("eth7",),
    "FLOPSCAPE_GPU_LOCKS": ("/no/such/folder/0",),
}
LEFT = dict.fromkeys((*RENDEZVOUS, *MPI, *SLURM), NUMBERS) | dict.fromkeys(SWITCHES, FLAGS) | OTHERS
"""The values that each variable may have."""


def drawn(seed: int, number: int = 40) -> dict[str, str]:
    """So many variables at random."""
    rng = random.Random(seed)
    return {name: rng.choice(LEFT[name]) for name in rng.sample(sorted(LEFT), number)}


def loss_under(environment: dict[str, str], spec: dict[str, Any], data: Path, out: Path) -> tuple[Any, ...]:
    """What `flopscape train` comes to with these variables: exit status, loss, training losses, standard error."""
    words = [sys.executable, "-m", "flopscape", "train", json.dumps(spec), "--device", "cpu", "--out", str(out)]
    done = subprocess.run(
        [*words, "--data", str(data)],
        env=os.environ | environment, capture_output=True, text=True, check=False, timeout=600,
    )  # fmt: skip
    record = json.loads(out.read_text()) if out.exists() else {"loss": None, "curve": {"train_loss": None}}
    return done.returncode, record["loss"], record["curve"]["train_loss"], done.stderr
