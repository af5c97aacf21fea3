"""A finished fit asked at other values of its covariates than its own."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from flopscape.answers.predict import asked_at, predict, read_with_draws
from flopscape.api.fits import read_fit
from flopscape.errors import FlopscapeError
from flopscape.fitting.fit import fit, run
from flopscape.laws.surface import loss
from tests.fitting.fit_tables import as_table, isoflop
from tests.laws.examples import CHINCHILLA

BY_EXPERTS = {"law": {"terms": ["n_params", "n_tokens", "experts"]}}
BY_SHAPE = {"law": {"terms": ["n_params", "n_tokens", "width / depth"]}}


def frame() -> pd.DataFrame:
    """Runs whose loss falls with their experts, of which each makes a run dearer by its square root."""
    rows = [(n, c, e) for c in (1e18, 1e19, 1e20) for n in np.geomspace(0.2, 5, 5) * c**0.5 / 11 for e in (1, 4, 16)]
    runs = pd.DataFrame(rows, columns=["n_params", "flops", "experts"])
    runs["n_tokens"] = runs["flops"] / (6 * runs["n_params"] * np.sqrt(runs["experts"]))
    noise = np.exp(np.random.default_rng(0).normal(0, 0.004, len(runs)))
    true = loss(CHINCHILLA, runs["n_params"].to_numpy(), runs["n_tokens"].to_numpy()) + 0.4 * runs["experts"] ** -0.5
    names = [f"run{i}" for i in range(len(runs))]
    return runs.assign(loss=true * noise, run_id=names, width=64 * runs["experts"], depth=8.0)


@pytest.fixture(scope="module")
def fitted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fit in a file, asked at four experts."""
    folder = tmp_path_factory.mktemp("fitted")
    frame().to_csv(folder / "runs.csv", index=False)
    run(folder / "runs.csv", folder / "fit.json", "law", flops=[1e21], bootstrap=100, at={"experts": 4.0}, **BY_EXPERTS)
    return folder / "fit.json"


def asked(path: Path, **at: float) -> str:
    """What the command prints, and Python shows."""
    return read_fit(path).predict(1e21, at=at).summary()


def test_the_answer_is_that_of_the_same_fit_asked_there_from_the_start(fitted, tmp_path):
    other, _ = fit(as_table(frame(), tmp_path), "law", flops=[1e21], at={"experts": 9.0}, bootstrap=100, **BY_EXPERTS)
    result, draws = read_with_draws(fitted)
    asked, said = asked_at(result, {"experts": 9.0})
    [mine], [theirs] = predict(asked, draws, [1e21]), other.predictions
    for quantity in ("n_params", "n_tokens", "loss"):
        numbers, expected = (getattr(one, quantity) for one in (mine, theirs))
        assert (numbers.estimate, numbers.low, numbers.high) == pytest.approx(
            (expected.estimate, expected.low, expected.high), rel=1e-5
        ), quantity
    assert said == []
    # A token costs half as much again as at four experts: √(9/4).
    [own] = result.predictions
    costs = [one.flops / one.n_params.estimate / one.n_tokens.estimate for one in (mine, own)]
    assert costs[0] / costs[1] == pytest.approx(1.5, rel=1e-6)


def test_the_terminal_says_where_it_was_asked_and_what_lies_beyond_the_runs(fitted):
    inside, beyond = (asked(fitted, experts=value).splitlines() for value in (9, 64))
    assert "at experts = 9" in inside
    assert "warning: experts = 64 at the asked compute lies beyond the runs, 1 to 16" in beyond
    assert not any("experts" in line for line in inside if line.startswith("warning"))
    assert "at experts = 4" in asked(fitted).splitlines()


@pytest.mark.parametrize(
    ("at", "sentence"),
    [
        ({"exprts": 8}, "at: 'exprts' is no covariate; those of this law are experts; did you mean experts?"),
        ({"experts": 0}, "at: experts is 0 there; it must be positive and finite"),
        ({"experts": float("inf")}, "at: experts is inf there; it must be positive and finite"),
    ],
)
def test_values_that_a_fit_cannot_be_asked_at_are_refused_as_by_the_fit(at, sentence, fitted, tmp_path):
    with pytest.raises(FlopscapeError) as error:
        asked(fitted, **at)
    assert str(error.value) == sentence
    with pytest.raises(FlopscapeError) as error:
        fit(as_table(frame(), tmp_path), "law", at=at, bootstrap=0, **BY_EXPERTS)
    assert str(error.value) == sentence


def test_a_column_that_alone_tells_no_covariate_is_refused_by_both(tmp_path):
    table = as_table(frame(), tmp_path)
    both, _ = fit(table, "law", at={"width": 128, "depth": 8}, bootstrap=0, **BY_SHAPE)
    assert both.at == {"width / depth": 16.0}
    said = "at: 'width' alone does not tell width / depth; give depth too"
    for ask in (lambda at: fit(table, "law", at=at, bootstrap=0, **BY_SHAPE), lambda at: asked_at(both, at)):
        with pytest.raises(FlopscapeError) as error:
            ask({"width": 128})
        assert str(error.value) == said


def test_values_without_their_names_are_refused(fitted):
    with pytest.raises(FlopscapeError, match=r"at: \[16\] names no covariate; write it as {'experts': 16}"):
        read_fit(fitted).predict(1e21, at=[16])


def test_fits_without_covariates_are_not_asked_at_any(fitted, tmp_path):
    plain, _ = fit(isoflop(tmp_path), "vpnls", bootstrap=0)
    with pytest.raises(
        FlopscapeError, match="at: 'experts' is no covariate: surface has none, only fits of the method"
    ):
        asked_at(plain, {"experts": 8})
    old, _ = read_with_draws(fitted)
    del old.diagnostics["covariates"]
    with pytest.raises(FlopscapeError, match="the fit is of an older version and keeps no covariates; make it again"):
        asked_at(old, {"experts": 8})
