"""Every study that is shipped can be planned where nothing is installed for it and nothing is downloaded."""

import subprocess
import sys

import pytest

from flopscape.plan.studies import plan_study
from tests.conftest import ROOT

PLAN = """
import socket, sys
def refuse(*_, **__): raise AssertionError("planning opened a socket")
socket.socket.connect = socket.getaddrinfo = refuse
from pathlib import Path
from flopscape.config.study import ImportedStudy
from flopscape.plan.studies import overview
from flopscape.plan.capacity import Room
from flopscape.plan.price_table import price_text
from flopscape.config.read import read_study
path = Path(sys.argv[1])
if not isinstance(read_study(path), ImportedStudy):
    seen = overview(path, Path("config/config.yaml"), Path(sys.argv[2]), Room(1))
    print(price_text(seen.study, seen.price, seen.coverage, seen.finished))
heavy = {"torch", "torchvision", "pandas", "numpy", "datasets", "tokenizers", "PIL"} & set(sys.modules)
assert not heavy, heavy
"""
STUDIES = sorted((ROOT / "config/studies").glob("*.yaml"))


@pytest.mark.parametrize("study", STUDIES, ids=lambda path: path.stem)
def test_every_shipped_study_is_planned_without_network_torch_or_pandas(study, tmp_path):
    command = [sys.executable, "-c", PLAN, str(study), str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", ["tinystories-gpt", "fineweb-gpt", "cifar-vit"])
def test_a_study_that_no_test_can_train_is_no_poor_sweep(name, tmp_path):
    planned = plan_study(name, ROOT / f"config/studies/{name}.yaml", tmp_path)
    assert planned.coverage.grade == "fair"
    assert len(planned.rows) > 30
