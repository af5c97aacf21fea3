"""The block at the head of FIT.json: a law's numbers and the answer, each as a point with its interval."""

import json
import math

import pytest

from flopscape.records.fit_file import read_fit, write_fit
from flopscape.records.fit_result import Estimate, FitResult, Prediction
from flopscape.records.fit_summary import Shares, shares_of

SURFACE = {
    "E": Estimate(1.69, 1.6, 1.75), "A": Estimate(406.4, 300.0, 600.0), "B": Estimate(410.7, 350.0, 500.0),
    "alpha": Estimate(0.34, 0.3, 0.38), "beta": Estimate(0.28, 0.25, None),
}  # fmt: skip
AT = Prediction(1e21, Estimate(2e9, 1e9, 4e9), Estimate(8e10, 4e10, 2e11), Estimate(2.2, 2.1, 2.3), Estimate(40.0))


@pytest.fixture
def written(tmp_path):
    """A surface's fit and the JSON of its file."""
    fit = FitResult("ok", "all is well", "vpnls", "surface", "", surface=SURFACE, predictions=[AT])
    write_fit(fit, tmp_path / "fit.json")
    return fit, json.loads((tmp_path / "fit.json").read_text()), tmp_path / "fit.json"


def test_the_block_stands_first_and_holds_the_law_and_the_answer_with_their_intervals(written):
    _, data, _ = written
    assert next(iter(data)) == "summary"
    summary = data["summary"]
    assert summary["status"] == "ok"
    assert summary["parameters"]["E"] == {"point": 1.69, "ci95": [1.6, 1.75]}
    assert summary["parameters"]["beta"] == {"point": 0.28, "ci95": [0.25, None]}
    assert list(summary["parameters"]) == ["E", "A", "B", "alpha", "beta"]
    assert summary["optimum"][0]["flops"] == 1e21
    assert summary["optimum"][0]["n_params"] == {"point": 2e9, "ci95": [1e9, 4e9]}
    assert summary["optimum"][0]["tokens_per_param"] == {"point": 40.0, "ci95": [None, None]}
    assert summary["units"] == {"N": "parameters", "D": "tokens", "C": "FLOPs", "loss": "nats per token"}


def test_the_formula_can_be_computed_with_the_names_of_the_block(written):
    summary = written[1]["summary"]
    numbers = {name: number["point"] for name, number in summary["parameters"].items()}
    loss = eval(summary["loss"], {}, numbers | {"N": 70e9, "D": 1.4e12})
    assert math.isclose(loss, 1.69 + 406.4 / 70e9**0.34 + 410.7 / 1.4e12**0.28)


def test_what_was_there_stays_and_is_what_is_read(written):
    fit, data, path = written
    assert data["surface"]["E"] == {"estimate": 1.69, "low": 1.6, "high": 1.75}
    assert read_fit(path) == fit


def test_a_refused_fit_has_a_block_without_numbers(tmp_path):
    fit = FitResult("refused", "too few runs", "vpnls", "surface", "")
    fit.predictions = [Prediction(1e21, None, None, None, None)]
    write_fit(fit, tmp_path / "fit.json")
    summary = json.loads((tmp_path / "fit.json").read_text())["summary"]
    assert (summary["status"], summary["parameters"], summary["exponents"]) == ("refused", {}, {})
    assert summary["optimum"] == [
        {"flops": 1e21, "n_params": None, "n_tokens": None, "tokens_per_param": None, "loss": None}
    ]


def test_shares_of_a_variance_are_those_of_the_asked_compute():
    parts = {"noise": 0.1, "law": 0.6, "drift": 0.2, "discrepancy": 0.1, "sd_over_prior": 0.4}
    fit = FitResult("ok", "", "answer", "drifting", "")
    fit.diagnostics["shares"] = [{"flops": 1e21, "n_params": parts}, {"flops": 1e22}]
    assert shares_of(fit, 1e21, "n_params") == Shares(**parts)
    assert shares_of(fit, 1e21, "loss") is None
    assert shares_of(fit, 1e22, "n_params") is None
    assert shares_of(fit, 1e23, "n_params") is None
