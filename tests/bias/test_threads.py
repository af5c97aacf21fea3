"""The same seeds give the same tables, to the last bit, whatever the number of threads."""

import os
import subprocess
import sys

TABLES = """
import hashlib, importlib
from flopscape.config.bias import EXPERIMENTS, BiasSettings, experiment_module
for name in EXPERIMENTS:
    default = getattr(BiasSettings(), name)
    table = importlib.import_module(experiment_module(name)).run(type(default)(**default.fast)).table
    print(name, hashlib.sha256(table.to_csv(index=False).encode()).hexdigest())
"""


def tables(threads: str) -> bytes:
    """Hashes of the fast tables of all experiments, from a process of its own."""
    env = os.environ | {"OMP_NUM_THREADS": threads, "OPENBLAS_NUM_THREADS": threads}
    return subprocess.check_output([sys.executable, "-c", TABLES], env=env)


def test_tables_are_the_same_whatever_the_number_of_threads():
    assert tables("1") == tables("2")
