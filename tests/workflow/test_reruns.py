"""What reruns when: each claim of the design, by real Snakemake."""

import json
import re

from flopscape.figures.names import FIGURES
from tests.workflow.conftest import N_TINY, jobs_of

TABLE = "results/tiny/runs.csv"
AFTER_FITS = {
    **{"sensitivity": 1, "backtest": 1, "prediction": 1, "draw_figure": len(FIGURES)},
    **{"write_checklist": 1, "write_report": 1},
}


def test_one_more_width_trains_its_runs_only(finished):
    finished.edit("config/studies/tiny.yaml", "{width: 16, depth: 2}", "{width: 16, depth: 2}, {width: 24, depth: 2}")
    assert finished.due()["train_run"] == 3
    before = {path: path.stat().st_mtime_ns for path in finished.records()}
    finished.snakemake(TABLE)
    assert len(finished.records()) == N_TINY + 3
    assert all(path.stat().st_mtime_ns == time for path, time in before.items())


def test_one_more_seed_trains_its_runs_only(finished):
    finished.edit("config/studies/tiny.yaml", "isoflop:", "isoflop:\n    seeds: 2")
    assert finished.due()["train_run"] == N_TINY


def test_editing_approach2_reruns_its_fit_the_twin_that_fits_by_it_and_what_reads_them(finished):
    finished.edit(
        "workflow/flopscape/fitting/approach2.py", "import numpy as np\n", "import numpy as np\n\nUNUSED = 1\n"
    )
    jobs = finished.snakemake("-n")
    assert jobs_of(jobs) == {"fit_runs": 1, "twin": 1, **AFTER_FITS}
    assert "results/tiny/fits/approach2.json" in jobs
    assert "rule fit_runs:\n    input: results/tiny/runs.csv\n    output: results/tiny/fits/vpnls.json" not in jobs


def test_editing_shared_fitting_code_reruns_all_fits_and_no_training(finished):
    finished.edit(
        "workflow/flopscape/runs/table.py", "\nimport pandas as pd\n", "\nimport pandas as pd\n\nUNUSED = 1\n"
    )
    assert finished.due() == {"fit_runs": 3, "twin": 1, "write_forecast": 1, **AFTER_FITS}


def test_editing_one_figure_redraws_it_and_rewrites_the_report(finished):
    finished.append("figures/isoflop.py", "UNUSED = 1")
    assert finished.due() == {"draw_figure": 1, "write_report": 1}


def test_comments_and_touched_files_rerun_nothing(finished):
    for path in ("fitting/approach2.py", "runs/table.py", "runs/collect.py", "training/command.py", "plugins/gpt.py"):
        finished.append(path, "# a remark")
    (finished.folder / "workflow/flopscape/figures/isoflop.py").touch()
    assert finished.due() == {}


def test_editing_the_trainer_reruns_nothing_but_is_said(finished):
    finished.append("plugins/surface.py", "UNUSED = 1")
    text = finished.snakemake("-n")
    assert jobs_of(text) == {}
    assert "warning: the training code has changed" in text


def test_bumping_the_recipe_retrains_everything_and_keeps_the_old_records(finished):
    finished.edit("config/studies/tiny.yaml", "title:", "recipe: 2\ntitle:")
    text = finished.snakemake("-n")
    assert jobs_of(text)["train_run"] == N_TINY
    assert f"{N_TINY} recipe bumped" in text
    assert f"{N_TINY} records that this plan does not ask for stay on disk" in text
    finished.snakemake(TABLE)
    assert len(finished.records()) == 2 * N_TINY
    assert len((finished.folder / "results/tiny/runs.csv").read_text().splitlines()) == N_TINY + 1


def test_deleted_outputs_are_made_again(finished):
    read = ("runs.parquet", "curves.parquet", "fits/vpnls.draws.parquet", "figures/loss.png", "twin/twin.csv")
    for path in (*read, "fits/vpnls.json", "figures/loss.svg", "report.md", "plan.csv"):
        (finished.folder / "results/tiny" / path).unlink()
    finished.snakemake()
    for path in (*read, "figures/loss.svg", "report.md"):
        assert (finished.folder / "results/tiny" / path).exists()


def without_stamp(path):
    return re.sub(rb"made-from\[[^]]*\]", b"", path.read_bytes())


def test_the_same_study_run_twice_gives_the_same_files(finished, checkout):
    compared = ("plan.csv", "forecast.json", "fits/approach2.json", "fits/vpnls.json", "figures/isoflop.svg")
    checkout.snakemake(*(f"results/tiny/{path}" for path in compared))
    for path in compared:
        ours, theirs = (c.folder / "results/tiny" / path for c in (finished, checkout))
        if path.startswith("fits"):
            ours, theirs = (json.loads(p.read_text()) for p in (ours, theirs))
            # The table has seconds in it, and so a hash of its own, which figures carry in their stamp.
            assert ours["made_from"].pop("table") != theirs["made_from"].pop("table")
            assert ours == theirs
        else:
            assert without_stamp(ours) == without_stamp(theirs)
