"""The page for whoever decides on a large run: `flopscape predict FIT.json --out prediction.md`."""

from dataclasses import asdict
from pathlib import Path

import pandas as pd
import pytest

from flopscape.errors import FlopscapeError
from flopscape.fitting.fit import run
from flopscape.records.backtest import COLUMNS, Forecast
from flopscape.report.prediction import write_prediction
from tests.figures import studies

THREE = "n_params,n_tokens,loss\n5e6,4.5e9,4.66\n25e6,9e8,4.40\n100e6,2.25e8,4.48\n"
HELD = Forecast(
    "vpnls", "vpnls", "the largest budget", 30, "ok", "", "optimum", 3e12, 3.0, true_n_params=2e5, se_log_n_params=0.1,
    n_params=2.1e5, n_params_low=1e5, n_params_high=4e5, n_params_holds=True, true_loss=1.6, se_loss=0.001, loss=1.6,
    loss_low=1.5, loss_high=1.7, loss_holds=True, regret=0.0,
)  # fmt: skip


@pytest.fixture(scope="module")
def fits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A surface's fit of a simulated sweep, one of images, one that is refused, and the answer of three runs."""
    folder = tmp_path_factory.mktemp("fits")
    sweep = studies.text_runs(seeds=1)
    sweep.to_csv(folder / "runs.csv", index=False)
    sweep.assign(unit="image").to_csv(folder / "images.csv", index=False)
    (folder / "three.csv").write_text(THREE)
    run(folder / "runs.csv", folder / "vpnls.json", "vpnls", flops=[1e13, 1e14], bootstrap=100)
    run(folder / "images.csv", folder / "images.json", "vpnls", flops=[1e13], bootstrap=100)
    run(folder / "three.csv", folder / "refused.json", "vpnls", flops=[1e20], bootstrap=100)
    run(folder / "three.csv", folder / "answer.json", "answer", flops=[1.35e17, 1e20], bootstrap=512)
    return folder


def page(fits: Path, name: str, lines: list[Forecast] | None = None, **options: object) -> str:
    """The page of a fit, with a backtest of these lines where there are any."""
    out, table = fits / "prediction.md", fits / "backtest.csv"
    if lines is not None:
        pd.DataFrame([asdict(line) for line in lines], columns=list(COLUMNS)).to_csv(table, index=False)
    write_prediction(fits / f"{name}.json", out, backtest=None if lines is None else table, **options)  # type: ignore[arg-type]
    return out.read_text()


def table_of(text: str, section: str) -> list[list[str]]:
    """The cells of the rows of the first table of a section."""
    lines = text.partition(f"## {section}\n\n")[2].partition("\n\n")[0].splitlines()
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines[2:]]


def test_each_asked_size_has_its_data_and_each_budget_its_size_beside_what_was_published(fits: Path) -> None:
    text = page(fits, "vpnls", n_params=[1e6, 1e7], title="A sweep")
    assert text.startswith("# Prediction: A sweep\n")
    sizes, budgets = (
        table_of(text, section) for section in ("How much data for a size", "How large a model for a budget")
    )
    assert [row[0] for row in sizes] == ["1.00 M", "10.0 M"]
    assert [row[0] for row in budgets] == ["10¹³", "10¹⁴"]
    assert all("[" in cell for row in sizes for cell in row[1:5])
    assert all(" to " in row[-1] for row in (*sizes, *budgets))
    assert "Hoffmann et al. 2022, approach 1" in text
    assert "arXiv 2203.15556, Tables 2 and 3" in text


def test_sizes_that_nobody_named_are_the_powers_of_ten_above_the_trained_ones(fits: Path) -> None:
    trained = studies.text_runs(seeds=1).n_params.max()
    assert 1e5 < trained < 1e6
    assert [row[0] for row in table_of(page(fits, "vpnls"), "How much data for a size")] == ["1.00 M", "10.0 M"]


def test_the_risk_is_said_in_factors_beyond_the_runs(fits: Path) -> None:
    text = page(fits, "vpnls", n_params=[1e6]).partition("## How far this reaches")[2]
    assert "on sizes of" in text
    assert "The farthest budget, 10¹⁴ FLOPs, lies a factor 33.3 above what the costliest run spent" in text
    assert "above the largest size trained; to train it on its D\\* would take" in text
    assert "the form of the fitted law is exact" in text


def test_a_backtest_says_how_the_fit_did_and_whether_that_was_as_far(fits: Path) -> None:
    other = Forecast("approach2", "approach2", "the largest budget", 30, "refused", "", "optimum", 3e12, 3.0)
    text = page(fits, "vpnls", [HELD, other])
    assert "this fit held the hidden N\\* in 1 of 1 cases and the hidden loss in 1 of 1" in text
    assert "up to 3 times beyond the runs that were left; what is asked here lies 33.3 times beyond" in text
    none = Forecast("vpnls", "vpnls", "", 3, "", "", "nothing", float("nan"), float("nan"), left_out="too few runs")
    assert "No backtest says how such an extrapolation turned out here: too few runs." in page(fits, "vpnls", [none])


def test_three_runs_have_a_one_sided_answer_and_a_prior_that_fills_in_the_rest(fits: Path) -> None:
    text = page(fits, "answer", n_params=[1e9])
    assert "prior-dominated" in text
    assert "In effect the interval of 1.00 B parameters is one-sided: at least" in text
    assert "is what these runs leave open, and what sweeps published before fill in" in text
    assert "The 3 runs spent 1.35×10¹⁷ FLOPs each, on sizes of 5.00 M to 100 M parameters." in text


def test_images_have_no_published_numbers_beside_them(fits: Path) -> None:
    text = page(fits, "images")
    assert "Hoffmann" not in text
    assert "D counts images here" in text
    assert "images per parameter" in text


def test_a_refused_fit_has_a_page_that_says_why(fits: Path) -> None:
    text = page(fits, "refused")
    assert "These runs cannot answer: " in text
    assert "|" not in text


def test_the_page_does_not_replace_what_it_is_made_of(fits: Path) -> None:
    with pytest.raises(FlopscapeError, match="would be written over"):
        write_prediction(fits / "vpnls.json", fits / "vpnls.json")
    with pytest.raises(FlopscapeError, match="would be written over"):
        write_prediction(fits / "vpnls.json", fits / "vpnls.draws.parquet")
