"""What `flopscape sensitivity` prints."""

import numpy as np
import pandas as pd

from flopscape.records.fit_result import Exclusion
from flopscape.report.terminal import sensitivity_text

ASKED = ["n_params@1e+21", "n_tokens@1e+21"]
ROWS = pd.DataFrame(
    [
        ("base", "as it is", 35, "ok", "sound", 0.45, 0.43, 0.47, 2.0e9, 8.0e10),
        ("rows", "without the largest budget", 28, "weak", "few runs", 0.5, np.nan, 0.7, 3.0e9, 5.0e10),
        ("method", "IsoFLOP parabolas", 34, "refused", "no budgets", np.nan, np.nan, np.nan, np.nan, np.nan),
    ],
    columns=["what_changes", "setting", "n_runs", "status", "reason", "a", "a_low", "a_high", *ASKED],
)
ROWS.attrs = {"excluded": [Exclusion(["run3"], "a copy")], "warnings": ["nothing matches"]}


def test_a_line_a_fit_with_a_its_interval_the_optimum_and_the_status() -> None:
    head, _, *lines = sensitivity_text(ROWS).splitlines()
    assert head.split()[:4] == ["changed", "setting", "runs", "a"]
    assert "N* at 10²¹ FLOPs  D*" in head
    assert "0.450 [0.430, 0.470]" in lines[0]
    assert lines[0].split()[-5:] == ["2.00", "B", "80.0", "B", "ok"]
    assert "0.500 [−∞, 0.700]" in lines[1]
    assert lines[2].split()[-5:] == ["34", "–", "–", "–", "refused"]


def test_below_it_stand_the_reasons_the_rows_left_out_and_the_warnings() -> None:
    assert sensitivity_text(ROWS).splitlines()[5:] == [
        "weak: without the largest budget: few runs",
        "refused: IsoFLOP parabolas: no budgets",
        "left out: 1 row (run3): a copy",
        "warning: nothing matches",
    ]


def test_without_an_asked_budget_there_is_no_optimum() -> None:
    assert "N*" not in sensitivity_text(ROWS.drop(columns=ASKED))
