"""Every experiment at its fast setting: what it writes, how it is marked, and that threads change nothing."""

import os
import subprocess
import sys

import pandas as pd
import pytest

from flopscape.bias.outcome import COLUMNS
from flopscape.bias.settings import EXPERIMENTS

NOISE_FREE = ("exp01", "exp04", "exp06", "exp08", "exp10", "exp11")
TABLES = """
import hashlib, importlib, sys
from flopscape.bias.settings import BiasSettings
for name in sys.argv[1:]:
    table = importlib.import_module(f"flopscape.bias.{name}").run(getattr(BiasSettings(), name)).table
    print(name, hashlib.sha256(table.to_csv(index=False).encode()).hexdigest())
"""


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_a_fast_run_writes_everything_and_says_that_it_is_fast(name, fast):
    folder, verdict = fast(name)
    table = pd.read_csv(folder / "table.csv")
    assert list(table.columns[: len(COLUMNS)]) == list(COLUMNS)
    assert set(table["setting"]) <= {"fast"}
    assert verdict["setting"] == "fast"
    assert all(verdict[word] for word in ("question", "finding", "advice")) or verdict["status"].startswith("skipped")
    assert (folder / "figure.svg").read_text().rstrip().endswith("</svg>")
    assert (folder / "figure.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_what_holds_at_any_setting_holds_at_the_fast_one(name, fast):
    _, verdict = fast(name)
    assert [claim for claim in verdict["claims"] if not claim["holds"]] == []


def test_tables_are_the_same_whatever_the_number_of_threads():
    printed = []
    for threads in ("1", "2"):
        env = os.environ | {"OMP_NUM_THREADS": threads, "OPENBLAS_NUM_THREADS": threads}
        printed.append(subprocess.check_output([sys.executable, "-c", TABLES, *NOISE_FREE], env=env))
    assert printed[0] == printed[1]
