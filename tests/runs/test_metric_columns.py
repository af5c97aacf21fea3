"""Metrics in other people's tables: numbers of one unit, or the row that is not, or text; and fits of them."""

import numpy as np
import pandas as pd
import pytest

from flopscape.errors import FlopscapeError
from flopscape.fitting.fit import fit
from flopscape.runs.chosen import chosen_rows
from flopscape.runs.import_table import import_runs
from flopscape.runs.metric_columns import metric_names
from flopscape.runs.read import read_runs, table_of


@pytest.fixture
def theirs(tmp_path):
    """A way to write a table of nine runs on L = 1.8 + 400·N^−0.3 + 900·D^−0.3, with further columns, and import it."""

    def imported(mapping=None, **columns):
        n, d = (x.ravel() for x in np.meshgrid([1e7, 1e8, 1e9], [1e9, 1e10, 1e11]))
        frame = pd.DataFrame({"n_params": n, "n_tokens": d, "loss": 1.8 + 400 * n**-0.3 + 900 * d**-0.3, **columns})
        path = tmp_path / "theirs.csv"
        frame.to_csv(path, index=False)
        return import_runs(str(path), None, mapping or {})

    return imported


def test_metrics_are_carried_as_numbers_and_empty_cells_stay_empty(theirs):
    web = ["2.5", "n/a", "", *["2.25"] * 6]
    bits = np.linspace(0.9, 0.8, 9)
    frame = theirs(**{"loss@web": web, "bits_per_byte": bits, "accuracy@hella swag": np.linspace(0.25, 0.5, 9)}).frame
    assert frame["loss@web"].dtype == frame["bits_per_byte"].dtype == np.float64
    assert frame["loss@web"].isna().tolist() == [False, True, True, *[False] * 6]
    assert frame["bits_per_byte"].tolist() == bits.tolist()
    assert frame["accuracy@hella swag"].iloc[-1] == 0.5


def test_accuracies_in_per_cent_become_shares_with_a_sentence(theirs):
    imported = theirs(**{"accuracy@arc": np.linspace(25, 61, 9), "accuracy@arc_se": 1.5})
    assert imported.frame["accuracy@arc"].tolist() == pytest.approx(np.linspace(0.25, 0.61, 9))
    assert imported.frame["accuracy@arc_se"].tolist() == [0.015] * 9
    assert "accuracy@arc is in per cent and was divided by 100" in imported.remarks


@pytest.mark.parametrize(
    ("column", "values", "sentence"),
    [
        (
            "accuracy@arc",
            [0.3] * 6 + [31, 32, 33],
            "column accuracy@arc: 31 in rows 7 to 9 and 0.3 in rows 1 to 6: shares or",
        ),
        ("accuracy", [1.2] + [1.0] * 8, "column accuracy: 1.2 in row 1: shares or per cent"),
        ("accuracy@arc", [0.3] * 8 + [-0.1], "row 9, column accuracy@arc: -0.1 is no accuracy"),
        (
            "accuracy@arc",
            [30] * 8 + [101],
            "row 9, column accuracy@arc: 101 is no accuracy, which lies between 0 and 1",
        ),
        ("loss@web", ["2.5"] * 8 + ["high"], "row 9, column loss@web: 'high' is not a finite number"),
        ("loss@web", ["2.5"] * 8 + ["inf"], "row 9, column loss@web: 'inf' is not a finite number"),
    ],
)
def test_what_is_no_metric_or_of_two_units_is_named_with_its_rows(theirs, column, values, sentence):
    with pytest.raises(FlopscapeError) as refusal:
        theirs(**{column: values})
    assert sentence in str(refusal.value)


def test_a_standard_error_below_zero_is_refused(theirs):
    said = "theirs.csv, row 1, column accuracy@arc_se: '-0.01' is no standard error"
    with pytest.raises(FlopscapeError, match=said):
        theirs(**{"accuracy@arc": 0.5, "accuracy@arc_se": -0.01})


def test_a_column_with_an_at_in_its_name_that_holds_text_is_carried_as_text(theirs):
    """Names of models and revisions have an @ too; one among numbers is said, for it may be a slip."""
    revisions = [f"main@{i}" for i in range(9)]
    imported = theirs(**{"model@revision": revisions, "f1@squad": [*["61.5"] * 8, "high"], "exact@squad": "7"})
    assert imported.frame["model@revision"].tolist() == revisions
    assert imported.frame["f1@squad"].tolist() == [*["61.5"] * 8, "high"]
    assert imported.frame["exact@squad"].tolist() == [7.0] * 9
    said = ", row 9, column f1@squad: 'high' is no number, so that the column is kept as text"
    assert [text for text in imported.remarks if "@" in text] == [f"{imported.table.path}{said}"]
    assert metric_names(imported.frame.assign(loss=1.0)) == ["f1@squad", "exact@squad"]


def test_a_column_that_a_person_maps_to_a_metric_must_hold_numbers(theirs):
    with pytest.raises(FlopscapeError, match="row 9, column f1@squad: 'high' is not a finite number; correct it"):
        theirs({"f1@squad": "f1"}, f1=["61.5"] * 8 + ["high"])


def test_a_table_given_straight_to_a_fit_has_the_shares_that_an_import_has(theirs):
    columns = {"accuracy": np.linspace(25, 61, 9), "accuracy_se": 1.5, "accuracy@arc": [0.3] * 8 + [31]}
    table = read_runs(theirs().table.path)
    assert not any("per cent" in text for text in table.warnings)
    frame = table.columns.assign(**columns)
    table = table_of(frame, "theirs")
    assert table.columns["accuracy"].tolist() == pytest.approx(np.linspace(0.25, 0.61, 9))
    assert table.columns["accuracy_se"].tolist() == [0.015] * 9
    # One that could be either is no business of a fit of the loss.
    assert table.columns["accuracy@arc"].tolist() == [0.3] * 8 + [31]
    assert "accuracy is in per cent and was divided by 100" in table.warnings
    assert (chosen_rows(table, "accuracy > 0.5", None).columns["accuracy"] <= 0.5).all()
    again = table_of(table.columns, "theirs")
    assert again.columns["accuracy"].tolist() == table.columns["accuracy"].tolist()


def test_what_is_left_out_need_not_be_right(theirs):
    status = ["completed"] * 8 + ["diverged"]
    assert len(theirs(status=status, **{"accuracy@arc": [0.3] * 8 + [55]}).table) == 8


def test_a_column_may_be_mapped_to_a_metric(theirs):
    assert theirs({"loss@web": "val"}, val=2.5).frame["loss@web"].tolist() == [2.5] * 9
    with pytest.raises(
        FlopscapeError, match=r"--map accuray=val: map one of n_params, .*, or a metric such as loss@web"
    ):
        theirs({"accuray": "val"}, val=2.5)


def test_a_fit_of_another_metric_has_its_unit_and_leaves_out_the_runs_without_it(theirs):
    frame = theirs().frame.assign(**{"bits_per_byte@web": lambda frame: 0.5 * frame.loss})
    frame.loc[3, "bits_per_byte@web"] = np.nan
    columns = {"loss": "bits_per_byte@web"}
    result, _ = fit(table_of(frame, "theirs", columns), method="vpnls", flops=[1e21])
    assert result.surface["E"].estimate == pytest.approx(0.9, rel=1e-6)
    assert (result.metric, result.loss_unit) == ("bits_per_byte@web", "bits per byte")
    assert [(x.rows, x.reason) for x in result.excluded] == [(["row 4"], "bits_per_byte@web is empty")]
    plain, _ = fit(table_of(frame, "theirs"), method="vpnls", flops=[1e21])
    assert (plain.metric, plain.loss_unit) == ("loss", "nats per token")


def test_no_law_is_fitted_to_accuracy(theirs):
    frame = theirs(**{"accuracy@arc": np.linspace(0.25, 0.61, 9)}).frame
    with pytest.raises(FlopscapeError, match=r"accuracy@arc: accuracy is no sum of power laws: .*two steps"):
        table_of(frame, "theirs", {"loss": "accuracy@arc"})
