"""Starting the processes of a run: Accelerate's launcher on one machine, and on each of several. Imports no torch.

On GPUs `flopscape launch` first holds those that it starts on, so that each has one run at a time. One process needs no
launcher after that: this one becomes it. On several machines it starts twice: in a SLURM job it chooses where the
processes meet and has srun start it on each; there, or where MASTER_ADDR, MASTER_PORT and NODE_RANK are already set, it
becomes the launcher. What other launchers have left in the environment is set aside.

    flopscape launch --machines 2 --processes 16 SPEC       in a job of two machines: picks a port; by srun, twice
      flopscape launch --machines 2 --processes 16 SPEC     on each machine: claims its 8 GPUs, then becomes
        accelerate launch --num_machines 2 … -m flopscape.training SPEC     8 trainers, which meet at the port

Processes exchange gradients by NCCL on GPUs and by gloo on CPUs; both find each other at that address and port.
"""

import argparse
import os
import re
import signal
import socket
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from flopscape.errors import FlopscapeError
from flopscape.machine.environment import SET_ASIDE, changed, note, take_over
from flopscape.machine.gpus import claim_gpus
from flopscape.machine.slurm import allocated
from flopscape.text.terminal import say

MEETING = "FLOPSCAPE_MEETING"
"""Environment variable by which the launcher of a SLURM job tells those of its machines where all processes meet."""
SETTINGS = Path(__file__).with_name("accelerate.yaml")


class Machine(NamedTuple):
    """One of several machines: its number, and the address and port of number 0, where all processes meet."""

    rank: int
    address: str
    port: str


def accelerate(processes: int, threads: int, machines: int = 1, machine: Machine | None = None) -> list[str]:
    """`accelerate launch` of several processes with every option that it would otherwise ask or guess.

    `--cpu --num_processes 2` would start a single process without a word: CPU processes need `--multi_gpu` too. Port 0
    stands for a free one, which a machine alone can choose. Precision and compilation are the spec's. With `-q`
    a refused run ends in its own sentence and not in the launcher's traceback.
    """
    command = ["accelerate", "launch", "-q", "--config_file", str(SETTINGS)]
    command += f"--num_processes {processes} --num_machines {machines}".split()
    command += ["--multi_gpu", "--main_process_port", machine.port if machine else "0"]
    if machine:
        command += ["--machine_rank", str(machine.rank), "--main_process_ip", machine.address]
    command += f"--mixed_precision no --dynamo_backend no --num_cpu_threads_per_process {threads}".split()
    return [*command, "-m", "flopscape.training"]


def main(arguments: list[str]) -> int:
    """`flopscape launch`: this process becomes the launcher of its machine's part of a run. 2 where it cannot."""
    parsed, rest = _parser().parse_known_args(arguments)
    try:
        # The first of two starts in a SLURM job: it runs on the first machine only, which is where all will meet.
        if parsed.machines > 1 and _comes_before_srun(os.environ):
            os.environ[MEETING] = meeting(*allocated(os.environ), parsed.machines)
            _become(_srun(parsed.machines, parsed.processes // parsed.machines * parsed.threads, arguments))
        machine = this_machine(os.environ, parsed.machines) if parsed.machines > 1 else None
        if parsed.device == "gpu":
            os.environ |= claim_gpus(parsed.processes // parsed.machines, os.environ)
        set_leftovers_aside(parsed.threads)
        options = f"--device {parsed.device} --processes {parsed.processes} --threads {parsed.threads}".split()
        # Accelerate's launcher would import torch a second time, seconds for each of a sweep's runs.
        if parsed.processes == 1:
            _become(["flopscape", "train", *options, *rest])
        _leave_signals_to_the_trainers()
        _become([*accelerate(parsed.processes, parsed.threads, parsed.machines, machine), *options, *rest])
    except FlopscapeError as error:
        say(f"flopscape: {error}", sys.stderr)
    return 2


def set_leftovers_aside(threads: int) -> None:
    """Take from the environment what would change this launch, or the run; the trainers write down the names."""
    names = changed(take_over(threads))
    os.environ[SET_ASIDE] = " ".join(names)
    if names:
        print(f"flopscape: {note(names)}", file=sys.stderr, flush=True)


def _leave_signals_to_the_trainers() -> None:
    """Let the launcher outlive those signals to a whole job that its own handlers do not pass on to the trainers.

    Under `nohup` it must not mind SIGHUP either: torch's launcher reads its options from variables too.
    """
    for number in (signal.SIGUSR1, signal.SIGUSR2, signal.SIGXCPU):
        signal.signal(number, signal.SIG_IGN)
    if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
        os.environ["PET_SIGNALS_TO_HANDLE"] = "SIGTERM,SIGINT,SIGQUIT"


def meeting(number: int, nodes: str, machines: int) -> str:
    """Where the machines of a SLURM job meet: its first one, on which this runs, at a port that is free now.

    Raises
    ------
    FlopscapeError
        The job has another number of machines than was asked for.
    """
    if number != machines:
        raise FlopscapeError(
            f"{machines} machines were asked for (resources.machines) and this job has {number}; set "
            f"`nodes: {machines}` for train_run in the profile's set-resources"
        )
    # Port 0 asks the system for a free one. It is free again at the end of the block: should another program take it
    # before the processes meet there, they say so, and the next start chooses another.
    with socket.socket() as probe:
        probe.bind(("", 0))
        return f"{first_host(nodes)}:{probe.getsockname()[1]}"


def first_host(nodes: str) -> str:
    """The first of the hosts that SLURM writes as `gpu[07-09,12],login`: `gpu07`."""
    # Up to the first comma outside brackets, `gpu[07-09,12]`; of the brackets the first number stays, zeros included.
    first = re.match(r"(?:[^,\[]|\[[^\]]*\])+", nodes)
    return re.sub(r"\[(\d+)[^\]]*\]", r"\1", first.group()) if first else nodes


def this_machine(environment: Mapping[str, str], machines: int) -> Machine:
    """The part of this machine, from the launcher of its SLURM job, or else from the variables of torch's launchers.

    Raises
    ------
    FlopscapeError
        One of them is not set, or no part of a launch on so many machines.
    """
    address, _, port = environment.get(MEETING, "").rpartition(":")
    rank = environment.get("SLURM_NODEID")
    if not address:
        address, port = environment.get("MASTER_ADDR", ""), environment.get("MASTER_PORT", "")
        # By hand in a SLURM job: what was set by hand counts.
        rank = environment.get("NODE_RANK") or rank
    if not rank or not address or not port:
        raise FlopscapeError(
            "several machines need a SLURM job, or on each of them MASTER_ADDR and MASTER_PORT of the first one and "
            "NODE_RANK, its own number from 0 up"
        )
    if not rank.isdecimal() or int(rank) >= machines or not port.isdecimal():
        raise FlopscapeError(
            f"NODE_RANK (or SLURM_NODEID) is {rank!r} and MASTER_PORT {port!r}; each of {machines} machines has a "
            f"number from 0 to {machines - 1}, and a port is a number"
        )
    return Machine(int(rank), address, port)


def _comes_before_srun(environment: Mapping[str, str]) -> bool:
    """Whether this is the one start in a SLURM job that chooses where to meet.

    MASTER_ADDR and MASTER_PORT alone are no meeting of this launch's unless srun has started it, or NODE_RANK is set.
    """
    by_hand = "NODE_RANK" in environment or "SLURM_STEP_ID" in environment
    chosen = by_hand and {"MASTER_ADDR", "MASTER_PORT"} <= environment.keys()
    return "SLURM_JOB_ID" in environment and MEETING not in environment and not chosen


def _srun(machines: int, cpus: int, arguments: list[str]) -> list[str]:
    """One launcher a machine; srun has not taken the number of CPUs from its job since SLURM 22.05."""
    srun = (
        f"srun --nodes={machines} --ntasks={machines} --ntasks-per-node=1 --cpus-per-task={cpus} --kill-on-bad-exit=1"
    )
    return [*srun.split(), sys.executable, "-m", "flopscape", "launch", *arguments]


def _become(command: list[str]) -> None:
    sys.stdout.flush()
    try:
        # No process is left between Snakemake or SLURM and the trainer that a signal would have to get past.
        os.execvp(command[0], command)
    except OSError as error:
        raise FlopscapeError(f"{command[0]} cannot be started ({error.strerror})") from error


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="flopscape launch",
        usage="flopscape launch [--machines N] [--processes N] [--threads N] [--device cpu|gpu] SPEC --out RUN.json",
        description="Carry out one run in so many processes, on GPUs held for it; takes the options of train too.",
        epilog="Example: flopscape launch --processes 2 RUN.json --out again.json",
    )
    parser.add_argument("--machines", type=int, default=1, metavar="N", help="machines of the run (default 1)")
    parser.add_argument("--processes", type=int, default=1, metavar="N", help="processes on all machines (default 1)")
    parser.add_argument("--threads", type=int, default=1, metavar="N", help="CPU threads of a process (default 1)")
    parser.add_argument("--device", choices=("cpu", "gpu"), default="cpu", help="where to train (default cpu)")
    return parser
