"""A real SLURM cluster on one machine: controller, three node daemons, munge, on loopback; no containers, no systemd.

The nodes claim more CPUs than there are, and GPUs that are copies of /dev/null: jobs are placed as on a real cluster.
"""

import os
import shutil
import socket
import subprocess
from contextlib import suppress
from pathlib import Path

import psutil

from tests.waiting import wait_until

PROGRAMS = ("slurmctld", "slurmd", "munged", "sbatch", "srun")
SYSTEM_CONFIG = Path("/etc/slurm/slurm.conf")
"""The executor's job steps lose SLURM_CONF from their environment, so the configuration must be found here."""
SEARCHED = os.environ["PATH"] + ":/usr/sbin"
CONFIG = """
ClusterName=tests
SlurmctldHost={host}(127.0.0.1)
SlurmUser=root
SlurmdUser=root
SlurmctldPort={port}
AuthType=auth/munge
AuthInfo=socket={base}/munge/socket
CommunicationParameters=NoInAddrAny,NoCtldInAddrAny
SlurmctldPidFile={base}/slurmctld.pid
SlurmdPidFile={base}/%n.pid
SlurmctldLogFile={base}/slurmctld.log
SlurmdLogFile={base}/%n.log
StateSaveLocation={base}/state
SlurmdSpoolDir={base}/spool/%n
AccountingStorageType=accounting_storage/none
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
MailProg=/bin/true
# Memory limits without control groups: the node looks every two seconds.
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=2
JobAcctGatherParams=OverMemoryKill
SchedulerParameters=sched_interval=2,bf_interval=2
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
SlurmdParameters=config_overrides
ReturnToService=2
MinJobAge=600
KillWait=30
GresTypes=gpu
PartitionName=main Nodes={main} Default=YES MaxTime=600 DefaultTime=10 State=UP
PartitionName=other Nodes={other} MaxTime=600 DefaultTime=10 State=UP
"""
NODE = "NodeName={name} NodeHostname={host} NodeAddr=127.0.0.1 Port={port} CPUs={cpus} RealMemory=8000 Gres=gpu:2\n"


def why_not() -> str:
    """Why no cluster can be started on this machine; empty if one can."""
    absent = [name for name in PROGRAMS if shutil.which(name, path=SEARCHED) is None]
    if absent:
        return f"no {', '.join(absent)} on this machine: make test-slurm installs SLURM where it may"
    if os.geteuid() != 0:
        return "starting a SLURM cluster needs root"
    if SYSTEM_CONFIG.exists() and not SYSTEM_CONFIG.is_symlink():
        return f"{SYSTEM_CONFIG} is there: this machine belongs to a SLURM cluster"
    return ""


class Cluster:
    """Starts and stops the daemons by their own process ids; everything they write is under `base`.

    Any process may start it and any other stop it. Two nodes are in the partition `main`, one is in `other`.

    Parameters
    ----------
    base : Path
        A folder of its own with a short path: a socket's may have 107 characters.
    """

    def __init__(self, base: Path) -> None:
        self.base, self.host = base, socket.gethostname().partition(".")[0]
        self.nodes = [self.host, f"{self.host}b", f"{self.host}c"]

    def start(self) -> None:
        """Configure and start everything, and wait until the nodes take jobs."""
        for folder in ("munge", "state", "spool"):
            (self.base / folder).mkdir()
        os.chmod(self.base, 0o755)
        self._configure()
        self._start_munge()
        self.start_controller()
        for node in self.nodes:
            self._launch("slurmd", "-N", node, "-f", str(self.base / "slurm.conf"))
        wait_until(
            lambda: _output("sinfo", "-h", "-N", "-o", "%T").split() == ["idle"] * len(self.nodes),
            "the nodes",
            seconds=60,
        )

    def _configure(self) -> None:
        port, *ports = _free_ports(1 + len(self.nodes))
        *main, other = self.nodes
        config, gpus = CONFIG.format(host=self.host, base=self.base, port=port, main=",".join(main), other=other), ""
        for number, (name, port) in enumerate(zip(self.nodes, ports, strict=True)):
            config += NODE.format(name=name, host=self.host, port=port, cpus=2 if name in main else 4)
            gpus += f"NodeName={name} Name=gpu File={self.base}/gpu[{2 * number}-{2 * number + 1}]\n"
        for gpu in range(2 * len(self.nodes)):
            os.mknod(self.base / f"gpu{gpu}", 0o20666, os.makedev(1, 3))
        (self.base / "slurm.conf").write_text(config)
        (self.base / "gres.conf").write_text(gpus)
        SYSTEM_CONFIG.parent.mkdir(exist_ok=True)
        SYSTEM_CONFIG.unlink(missing_ok=True)
        SYSTEM_CONFIG.symlink_to(self.base / "slurm.conf")

    def _start_munge(self) -> None:
        key = self.base / "munge.key"
        key.touch(mode=0o600)
        key.write_bytes(os.urandom(1024))
        files = {"key-file": "munge.key", "socket": "munge/socket", "pid-file": "munged.pid", "log-file": "munged.log"}
        files["seed-file"] = "munge.seed"
        options = [f"--{option}={self.base / name}" for option, name in files.items()]
        self._launch("munged", *options)
        wait_until((self.base / "munge/socket").exists, "munged", seconds=60)

    def start_controller(self) -> None:
        """Start the controller, and wait until it answers."""
        self._launch("slurmctld", "-f", str(self.base / "slurm.conf"))
        wait_until(lambda: "is UP" in _output("scontrol", "ping"), "the controller", seconds=60)

    def stop(self) -> None:
        """Cancel all jobs, end the daemons, and remove all that they wrote."""
        subprocess.run(["scancel", "--user=root"], check=False, capture_output=True)
        wait_until(lambda: not _output("squeue", "-h", "--states=CG,R,PD"), "the jobs' end", seconds=60)
        for name in (*self.nodes, "slurmctld", "munged"):
            with suppress(FileNotFoundError, psutil.NoSuchProcess):
                self.end(name)
        SYSTEM_CONFIG.unlink(missing_ok=True)
        shutil.rmtree(self.base, ignore_errors=True)

    def end(self, name: str) -> None:
        """End one daemon in an orderly way."""
        daemon = psutil.Process(int((self.base / f"{name}.pid").read_text()))
        daemon.terminate()
        daemon.wait(60)

    def _launch(self, program: str, *options: str) -> None:
        """Start a daemon, which goes to the background by itself."""
        with (self.base / "out").open("ab") as out:
            subprocess.run(
                [shutil.which(program, path=SEARCHED) or program, *options], stdout=out, stderr=out, check=True
            )


def jobs(folder: Path, columns: str = "%i %T") -> list[str]:
    """Lines of squeue about the jobs of this working directory, ended ones included."""
    lines = _output("squeue", "-h", "-r", "--states=all", "-o", f"%Z|{columns}").splitlines()
    return [line.removeprefix(f"{folder}|") for line in lines if line.startswith(f"{folder}|")]


def _output(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()


def _free_ports(number: int) -> list[int]:
    """Ports that nothing listens on."""
    probes = [socket.socket() for _ in range(number)]
    for probe in probes:
        probe.bind(("127.0.0.1", 0))
    ports = [probe.getsockname()[1] for probe in probes]
    for probe in probes:
        probe.close()
    return ports
