"""A real SLURM cluster of one machine: controller, node daemon and munge on loopback, without containers or systemd.

The node claims more CPUs than there are, and two GPUs that are copies of /dev/null: jobs are placed as on a real one.
"""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

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
SlurmdPort={next_port}
AuthType=auth/munge
AuthInfo=socket={base}/munge/socket
CommunicationParameters=NoInAddrAny,NoCtldInAddrAny
SlurmctldPidFile={base}/slurmctld.pid
SlurmdPidFile={base}/slurmd.pid
SlurmctldLogFile={base}/slurmctld.log
SlurmdLogFile={base}/slurmd.log
StateSaveLocation={base}/state
SlurmdSpoolDir={base}/spool
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
NodeName=node1 NodeHostname={host} NodeAddr=127.0.0.1 CPUs=4 RealMemory=16000 Gres=gpu:2 State=UNKNOWN
PartitionName=main Nodes=node1 Default=YES MaxTime=600 DefaultTime=10 State=UP
"""


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

    Parameters
    ----------
    base : Path
        An empty folder with a short path: a socket's may have 107 characters.
    """

    def __init__(self, base: Path) -> None:
        self.base, self.host = base, socket.gethostname().partition(".")[0]
        self.daemons: dict[str, subprocess.Popen[bytes]] = {}

    def start(self) -> None:
        """Configure and start everything, and wait until the node takes jobs."""
        for folder in ("munge", "state", "spool"):
            (self.base / folder).mkdir()
        os.chmod(self.base, 0o755)
        port = _two_free_ports()
        config = CONFIG.format(host=self.host, base=self.base, port=port, next_port=port + 1)
        (self.base / "slurm.conf").write_text(config)
        (self.base / "gres.conf").write_text(f"NodeName=node1 Name=gpu File={self.base}/gpu[0-1]\n")
        for gpu in range(2):
            os.mknod(self.base / f"gpu{gpu}", 0o20666, os.makedev(1, 3))
        key = self.base / "munge.key"
        key.touch(mode=0o600)
        key.write_bytes(os.urandom(1024))
        SYSTEM_CONFIG.parent.mkdir(exist_ok=True)
        SYSTEM_CONFIG.unlink(missing_ok=True)
        SYSTEM_CONFIG.symlink_to(self.base / "slurm.conf")
        self._start_munge()
        self.start_controller()
        self._launch("slurmd", "-D", "-N", "node1", "-f", str(self.base / "slurm.conf"))
        _wait(lambda: "idle" in _output("sinfo", "-h", "-o", "%T"), "the node")

    def _start_munge(self) -> None:
        files = {"key-file": "munge.key", "socket": "munge/socket", "pid-file": "munged.pid", "log-file": "munged.log"}
        files["seed-file"] = "munge.seed"
        options = [f"--{option}={self.base / name}" for option, name in files.items()]
        self._launch("munged", "--foreground", *options)
        _wait((self.base / "munge/socket").exists, "munged")

    def start_controller(self) -> None:
        """Start the controller, and wait until it answers."""
        self._launch("slurmctld", "-D", "-f", str(self.base / "slurm.conf"))
        _wait(lambda: "is UP" in _output("scontrol", "ping"), "the controller")

    def stop(self) -> None:
        """Cancel all jobs and end the daemons, the last one started first."""
        subprocess.run(["scancel", "--user=root"], check=False, capture_output=True)
        _wait(lambda: not _output("squeue", "-h", "--states=CG,R,PD"), "the jobs' end")
        for name in reversed(list(self.daemons)):
            self.end(name)
        SYSTEM_CONFIG.unlink(missing_ok=True)

    def end(self, name: str) -> None:
        """End one daemon in an orderly way."""
        self.daemons[name].terminate()
        self.daemons.pop(name).wait(60)

    def _launch(self, name: str, *options: str) -> None:
        program = shutil.which(name, path=SEARCHED) or name
        with (self.base / f"{name}.out").open("ab") as out:
            self.daemons[name] = subprocess.Popen([program, *options], stdout=out, stderr=out, start_new_session=True)


def jobs(columns: str = "%i %T") -> list[str]:
    """Lines of squeue, ended jobs included."""
    return _output("squeue", "-h", "-r", "--states=all", "-o", columns).splitlines()


def _output(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()


def _two_free_ports() -> int:
    """The first of two ports in a row that nothing listens on."""
    for port in range(16817, 17817, 2):
        with socket.socket() as first, socket.socket() as second:
            try:
                first.bind(("127.0.0.1", port))
                second.bind(("127.0.0.1", port + 1))
            except OSError:
                continue
            return port
    raise RuntimeError("no two free ports from 16817 to 17817")


def _wait(ready: Callable[[], bool], what: str, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what}: not there after {seconds:.0f} s")
        time.sleep(0.2)
