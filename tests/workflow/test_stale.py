"""What real Snakemake makes again of a copied study that has neither `.snakemake` nor honest time stamps."""

import json
import os
import shutil

import pytest

from flopscape.figures.names import FIGURES
from tests.workflow.conftest import Checkout

AFTER_A_FIT = {
    **{"backtest": 1, "prediction": 1, "draw_figure": len(FIGURES)},
    **{"write_checklist": 1, "write_report": 1},
}
STUDY = "config/studies/tiny.yaml"


@pytest.fixture
def copied(finished_once, tmp_path):
    """The finished study elsewhere, every file as old as any other and `.snakemake` left behind."""
    folder = tmp_path / "copied"
    shutil.copytree(finished_once, folder, symlinks=True, ignore=shutil.ignore_patterns(".snakemake"))
    for path in folder.rglob("*"):
        os.utime(path, (1.7e9, 1.7e9), follow_symlinks=False)
    return Checkout(folder)


def keep_time(path, text):
    """Write a file as an editor that hides its traces would."""
    path.write_text(text)
    os.utime(path, (1.7e9, 1.7e9))


def test_a_copied_study_is_finished_and_an_edited_one_makes_again_what_the_edit_reaches(copied):
    assert copied.due() == {}
    copied.edit(STUDY, "method: vpnls,", "method: vpnls, exclude: n_params < 5e3,")
    assert copied.due() == {"fit_runs": 1, **AFTER_A_FIT}
    assert "reason: Params have changed since last execution: its output was made with other options" in (
        copied.snakemake("-n")
    )
    copied.edit(STUDY, "[1.0e+12]", "[1.0e+12, 1.0e+13]")
    assert copied.due() == {"fit_runs": 3, "sensitivity": 1, "twin": 1, "write_forecast": 1, **AFTER_A_FIT}


def test_a_file_that_was_swapped_or_edited_is_made_again(copied):
    results = copied.folder / "results/tiny"
    plan = (results / "plan.csv").read_text()
    keep_time(results / "plan.csv", plan.replace("width", "wedth", 1))
    assert copied.due() == {"write_plan": 1}
    keep_time(results / "plan.csv", plan)
    keep_time(results / "figures/loss.svg", (results / "figures/draws.svg").read_text())
    assert copied.due() == {"draw_figure": 1, "write_report": 1}
    fit = json.loads((results / "fits/vpnls.json").read_text())
    fit["made_from"]["table"] = "0" * 64
    keep_time(results / "fits/vpnls.json", json.dumps(fit))
    assert copied.due() == {"fit_runs": 1, **AFTER_A_FIT}
    record = copied.records()[0]
    text = record.read_text()
    loss = json.loads(text)["loss"]
    keep_time(record, text.replace(f'"loss": {loss}', f'"loss": {str(loss)[:-1]}{(int(str(loss)[-1]) + 1) % 10}'))
    due = copied.due()
    assert (due["collect_runs"], due["fit_runs"]) == (1, 3)
    assert "train_run" not in due
