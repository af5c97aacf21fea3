"""What `flopscape sensitivity` prints."""

import numpy as np
import pandas as pd

from flopscape.report.sensitivity import sensitivity_text

ROWS = pd.DataFrame(
    [
        ("base", "as it is", "ok", 0.45, 0.43, 0.47, 2.0e9),
        ("rows", "without the largest budget", "weak", 0.5, np.nan, 0.7, 3.0e9),
        ("method", "IsoFLOP parabolas", "refused", np.nan, np.nan, np.nan, np.nan),
    ],
    columns=["what_changes", "setting", "status", "a", "a_low", "a_high", "n_params@1e+21"],
)


def test_a_line_a_fit_with_a_its_interval_the_optimum_and_the_status() -> None:
    head, _, *lines = sensitivity_text(ROWS).splitlines()
    assert "N* at 10²¹ FLOPs" in head
    assert "0.450 [0.430, 0.470]" in lines[0]
    assert "2.00 B" in lines[0]
    assert lines[0].endswith("ok")
    assert "0.500 [−∞, 0.700]" in lines[1]
    assert lines[2].split()[-3:] == ["–", "–", "refused"]


def test_without_an_asked_budget_there_is_no_optimum() -> None:
    assert "N*" not in sensitivity_text(ROWS.drop(columns="n_params@1e+21"))
