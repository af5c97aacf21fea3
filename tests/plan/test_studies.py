"""What is known of a study before it runs; every shipped one where nothing is installed for it, without network."""

import subprocess
import sys

import pytest

from flopscape.config.matrix import addresses
from flopscape.plan.studies import data_unit, plan_study
from tests.conftest import ROOT

PLAN = """
import socket, sys
def refuse(*_, **__): raise AssertionError("planning opened a socket")
socket.socket.connect = socket.getaddrinfo = refuse
import flopscape as fs
study = fs.read_study(sys.argv[1])
if "runs" not in study.keys:
    print(fs.price(sys.argv[1], results=sys.argv[2], cores=1).summary())
heavy = {"torch", "torchvision", "pandas", "numpy", "datasets", "tokenizers", "PIL"} & set(sys.modules)
assert not heavy, heavy
"""
STUDIES = [path for file in sorted((ROOT / "config/studies").glob("*.yaml")) for path in addresses(file)]


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


@pytest.mark.parametrize(
    ("dataset", "unit"),
    [("flopscape.plugins.digits:Digits", "image"), ("flopscape.plugins.text:BibleText", "token"), ("my:Own", "unit")],
)
def test_a_dataset_says_what_it_counts(surface_study, dataset, unit):
    assert data_unit(surface_study(dataset={"plugin": dataset})) == unit
