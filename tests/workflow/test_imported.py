"""Other people's runs take the place of a sweep: the same fits, figures and report, and nothing trains."""

import json

import pytest

from flopscape.figures.names import drawable
from tests.fitting.fit_tables import isoflop_frame

STUDY = """
title: Theirs
runs:
  table: theirs.csv
  map: {n_params: size, loss: val loss}
  run_id: [budget, run_id]
  exclude: "run_id_in_source == 'run20'"
fits: [approach2, {name: vpnls, method: vpnls, bootstrap: 200}]
recommend: {flops: [1.0e+21], fit: vpnls}
twin: {simulations: 20, bootstrap: 20, answer_simulations: 0}
"""
FIGURES = len(drawable(curves=False))
MADE = {"fit_runs": 3, "sensitivity": 1, "backtest": 1, "validate": 1, "prediction": 1, "twin": 1}
AFTER_IMPORT = {**MADE, "draw_figure": FIGURES, "write_checklist": 1, "write_report": 1}


def write_runs(checkout, rows):
    frame = isoflop_frame().rename(columns={"n_params": "size", "loss": "val loss"})
    frame.iloc[:rows].to_csv(checkout.folder / "theirs.csv", index=False)


@pytest.fixture
def theirs(checkout):
    """A checkout with a table of 34 runs and the study of it, in the place of `tiny`."""
    (checkout.folder / "config/studies/tiny.yaml").write_text(STUDY)
    write_runs(checkout, 34)
    return checkout


def test_imported_runs_go_to_the_report_and_rerun_when_a_row_is_added(theirs):
    assert theirs.due() == {"import_runs": 1, **AFTER_IMPORT}
    theirs.snakemake()
    results = theirs.folder / "results/tiny"
    assert json.loads((results / "fits/vpnls.json").read_text())["n_runs"] == 33
    report = (results / "report.md").read_text()
    for words in (
        "At 10²¹ FLOPs train",
        "table: theirs.csv",
        "read as: CSV, comma, utf-8",
        "rows: 33 used",
        "n_params (their column size)",
        "figures/isoflop.svg",
        "run_id=run20 skipped: excluded by run_id_in_source == 'run20'",
    ):
        assert words in report
    for words in ("curves.svg", "SIMULATED", "body + head", "held-out", "Held-out", "Coverage"):
        assert words not in report
    assert theirs.due() == {}
    by_hand = ("flopscape", "report", "config/studies/tiny.yaml", "--results", "results/tiny", "--out", "mine.html")
    assert theirs.run(*by_hand).returncode == 0
    theirs.edit("config/studies/tiny.yaml", "'run20'", "'run21'")
    told = theirs.run(*by_hand)
    assert (told.returncode, told.stderr.count("runs.csv: the table was made with other options")) == (2, 1), (
        told.stderr
    )
    theirs.edit("config/studies/tiny.yaml", "'run21'", "'run20'")
    write_runs(theirs, 35)
    assert theirs.due() == {"import_runs": 1, **AFTER_IMPORT}


def test_the_dry_run_says_that_nothing_trains(theirs):
    assert "$0.00: nothing trains, the runs are imported from theirs.csv" in theirs.snakemake("-n")


def test_the_plan_verb_lists_rows_by_budget(theirs):
    text = theirs.run("flopscape", "plan", "config/studies/tiny.yaml").stdout
    assert "nothing trains" in text
    assert text.split("\n10¹⁷ ")[1].split()[0] == "7"
    assert text.split("\ntotal ")[1].split()[0] == "33"


def test_a_wrong_cell_stops_with_file_row_and_column(theirs):
    path = theirs.folder / "theirs.csv"
    lines = path.read_text().splitlines()
    lines[3] = lines[3].replace(",run2", "").rpartition(",")[0] + ",three,run2"
    path.write_text("\n".join(lines))
    done = theirs.run("snakemake", "--config", "studies=tiny")
    assert done.returncode != 0
    log = (theirs.folder / "logs/import/tiny.log").read_text()
    assert log == "flopscape: theirs.csv, row 3, column loss: 'three' is not a number\n"
    assert not (theirs.folder / "results/tiny").exists() or not list((theirs.folder / "results/tiny").iterdir())


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("theirs.csv", "gone.csv", "gone.csv: no such file, and no published table"),
        ("table: theirs.csv", "table: chinchilla", "no mirror is given; get data/svg_extracted_data.csv"),
        ("table: theirs.csv", "table: chinchilla\n  mirror: nowhere", "chinchilla_svg.csv is not in nowhere"),
        (
            "map: {n_params",
            "map: {n_parms",
            "'n_parms' is no column that a fit reads, nor a metric such as loss@web; did you mean n_params?",
        ),
        ("map:", "maps:", "unknown key runs.maps; did you mean map?"),
        ("table: theirs.csv", "curves: gone.csv\n  table: theirs.csv", "runs.curves: gone.csv: no such file"),
        ("fits:", "sweep: {}\nfits:", "runs and sweep exclude each other"),
        ("fits:", "model: {plugin: a:B}\nfits:", "runs and model exclude each other"),
    ],
)
def test_a_wrong_study_is_one_line_from_the_plan_verb(theirs, old, new, sentence):
    theirs.edit("config/studies/tiny.yaml", old, new)
    done = theirs.run("flopscape", "plan", "config/studies/tiny.yaml")
    assert done.returncode == 2
    assert sentence in done.stderr
    assert done.stderr.startswith("flopscape: config/studies/tiny.yaml: ")
    assert done.stderr.count("\n") == 1


def test_a_missing_table_stops_snakemake_before_anything_runs(theirs):
    (theirs.folder / "theirs.csv").unlink()
    done = theirs.run("snakemake", "-n", "--config", "studies=tiny")
    assert done.returncode != 0
    said = done.stdout + done.stderr
    assert "config/studies/tiny.yaml: theirs.csv: no such file" in said
    assert "Traceback" not in said


def test_the_shipped_study_of_published_runs_says_what_is_missing(checkout):
    done = checkout.run("flopscape", "plan", "config/studies/chinchilla.yaml")
    assert done.returncode == 2
    assert "config/studies/chinchilla.yaml: chinchilla: no mirror is given" in done.stderr
