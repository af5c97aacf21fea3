"""A finished study in Python: its parts are those of its files, and what is not there is said."""

import json

import matplotlib.pyplot as plt
import pandas as pd
import pytest

import flopscape as fs


def test_the_parts_of_a_study_are_those_of_its_files(study):
    found = fs.results(study)
    assert (found.name, len(found.runs), [*found.fits]) == ("own", 35, ["answer", "approach2"])
    assert found.answer.path == study / "fits/answer.json"
    assert len(found.backtest.to_frame()) == len(pd.read_csv(study / "backtest.csv"))
    assert found.twin.verdict == json.loads((study / "twin/verdict.json").read_text())
    assert found.curves.empty
    assert found.figures == {}
    assert found.predict(1e22).to_frame().loc[0, "loss"] == pytest.approx(
        found.answer.result.predictions[0].loss.estimate
    )


def test_a_study_is_told_and_drawn(study):
    found = fs.results(str(study))
    assert found.summary().splitlines()[0] == f"{study}: 35 runs and 2 fits"
    assert "own: the answer is " in found._repr_html_()
    axes = plt.figure().subplots()
    assert found.plot(axes) is axes
    assert len(axes.collections) == 5


def test_fits_stand_beside_each_other(study):
    fits = fs.results(study).fits
    table = fits.to_frame()
    assert table.columns.tolist() == ["fit", "status", "quantity", "flops", "estimate", "low", "high"]
    assert {*table["fit"]} == {"answer", "approach2"}
    assert [line.split()[0] for line in fits.summary().splitlines()[2:4]] == ["answer", "approach2"]
    assert {*fits.predict(1e23)} == {"answer", "approach2"}
    labels = [text.get_text() for text in fits.plot(quantity="n_tokens").get_legend().get_texts()]
    assert {"answer, asked budgets", "approach2, asked budgets"} <= {*labels}


def test_all_fits_have_the_names_and_options_that_a_study_gives_them(frame):
    wanted = ["approach2-exact", {"name": "least", "method": "approach3", "objective": "lsq"}]
    fits = fs.fit_all(frame, wanted, flops=1e22, bootstrap=100, exclude="n_params < 1e7")
    assert {name: fit.options["method"] for name, fit in fits.items()} == {
        "approach2-exact": "approach2",
        "least": "approach3",
    }
    alone = fs.fit(frame, "approach3", objective="lsq", flops=1e22, bootstrap=100, exclude="n_params < 1e7")
    pd.testing.assert_frame_equal(fits["least"].to_frame(), alone.to_frame())
    with pytest.raises(fs.FlopscapeError, match="two fits are named vpnls"):
        fs.fit_all(frame, ["vpnls", "vpnls"])
    with pytest.raises(fs.FlopscapeError, match=r"--fit {'name': 'a'}: method is missing"):
        fs.fit_all(frame, [{"name": "a"}])


@pytest.mark.parametrize(
    ("place", "sentence"),
    [
        ("ow", r"ow: no such folder; did you mean own\?"),
        ("", "no runs.csv there, the table of a study"),
        (None, "results: NoneType is no path"),
    ],
)
def test_no_study_is_said_to_be_none(study, place, sentence):
    with pytest.raises(fs.FlopscapeError, match=sentence):
        fs.results(place if place is None else study.parent / place)


def test_what_a_study_has_not_made_yet_is_said(frame, tmp_path):
    frame.to_csv(tmp_path / "runs.csv", index=False)
    found = fs.results(tmp_path)
    with pytest.raises(fs.FlopscapeError, match="no fit answer there yet; run `snakemake --config studies="):
        found.predict(1e22)
    with pytest.raises(fs.FlopscapeError, match=r"backtest\.csv: cannot be read"):
        _ = found.backtest
    with pytest.raises(fs.FlopscapeError, match=r"verdict\.json: cannot be read"):
        _ = found.twin
    assert found.fits.to_frame().empty
