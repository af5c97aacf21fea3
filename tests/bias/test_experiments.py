"""Every experiment at its fast setting: what it writes and how it is marked."""

import pandas as pd
import pytest

from flopscape.bias.outcome import COLUMNS
from flopscape.config.bias import EXPERIMENTS


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_a_fast_run_writes_everything_and_says_that_it_is_fast(name, fast):
    folder, verdict = fast(name)
    table = pd.read_csv(folder / "table.csv")
    assert list(table.columns[: len(COLUMNS)]) == list(COLUMNS)
    assert set(table["setting"]) <= {"fast"}
    assert verdict["setting"] == "fast"
    assert all(verdict[word] for word in ("question", "finding", "advice")) or verdict["status"].startswith("skipped")
    assert (folder / "figure.svg").read_text().rstrip().endswith("</svg>")
    assert (folder / "figure.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_what_holds_at_any_setting_holds_at_the_fast_one(name, fast):
    _, verdict = fast(name)
    assert [claim for claim in verdict["claims"] if not claim["holds"]] == []
