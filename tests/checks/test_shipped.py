"""The package's own plug-ins pass the checks that users' plug-ins must pass, at every size of the shipped studies."""

import pytest

from flopscape.checks.conformance import dataset_cases, model_cases
from flopscape.config.matrix import addresses
from flopscape.config.read import read_study
from flopscape.plan.rows import plan_rows
from flopscape.plugins.gpt import GPT
from flopscape.plugins.loading import load_plugin
from flopscape.plugins.text import TextFile
from tests.conftest import ROOT

MODELS = {
    "gpt": (GPT(context=16), [{"width": 8, "depth": 1}]),
    "gpt-swiglu": (GPT(context=16, mlp="swiglu"), [{"width": 16, "depth": 2, "head_dim": 8}]),
}


def _cases(table, make):
    return [pytest.param(case, id=f"{name}: {case}") for name, given in table.items() for case in make(*given)]


@pytest.mark.parametrize("case", _cases(MODELS, model_cases))
def test_a_shipped_model_conforms(case):
    case()


def _studies():
    paths = [path for file in sorted((ROOT / "config/studies").glob("*.yaml")) for path in addresses(file)]
    studies = {path.stem: read_study(path) for path in paths}
    return {name: study for name, study in studies.items() if hasattr(study, "sweep")}


@pytest.mark.parametrize("study", _studies().values(), ids=_studies())
def test_parameters_and_flops_of_a_shipped_study_are_those_counted_at_every_size(study):
    model, loss = (load_plugin(part.plugin, part.kwargs) for part in (study.model, study.loss))
    sizes = {str(row.size): row.size for row in plan_rows(study)}.values()
    for case in model_cases(model, sizes, loss):
        if "at every size" in str(case):
            case()


def test_a_text_file_conforms(tmp_path):
    (tmp_path / "mine.txt").write_text("".join(f"Line {i**3} of {i * 7919 % 1000} in a text.\n\n" for i in range(3000)))
    for case in dataset_cases(TextFile(str(tmp_path / "mine.txt"), context=32), tmp_path / "data", 256):
        case()
