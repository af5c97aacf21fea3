"""The words of `flopscape fit` that the workflow runs and the report prints."""

import shlex

import pytest
from typer.main import get_command

from flopscape.cli.app import app
from flopscape.cli.fit_options import options_given
from flopscape.config.fits import Fit
from flopscape.dag.commands import backtest_again, recompute

FITS = [
    Fit(name="h", method="approach3", objective="huber", delta="scaled", weights="seeds", bootstrap=200, seed=3),
    Fit(name="e", method="approach2", variant="exact", exclude="n_params < 1e4 and seed > 0", min_flops=1e11),
    Fit(name="u", method="law", law="constrained", unique_tokens=2e6, columns={"n_params": "n_params_total"}),
    Fit(name="c", method="approach1", rule="binned"),
    Fit(name="m", method="approach2", seeds="median"),
]
LINES = recompute(FITS, "e", [1e12, 1.23456789e12], "results/a study")


@pytest.mark.parametrize(("line", "fit"), list(zip(LINES, [*FITS, FITS[1]], strict=True)))
def test_a_printed_command_gives_back_every_option_of_the_fit(line, fit):
    program, verb, *words = shlex.split(line)
    context = get_command(app).commands[verb].make_context(program, words)
    parsed = context.params | options_given(context, fit.method)
    given = fit.options | {name: getattr(fit, name) for name in ("method", "seed", "exclude", "min_flops")}
    given["seeds"] = None if fit.seeds == "each" else fit.seeds
    if verb == "fit":
        given["bootstrap"] = fit.bootstrap
    assert {name: parsed[name] for name in given} == given
    assert list(parsed["flops"]) == [1e12, 1.23456789e12]
    assert list(parsed["column"]) == [f"{ours}={theirs}" for ours, theirs in fit.columns.items()]
    assert str(parsed["runs"]) == "results/a study/runs.csv"


def test_only_the_method_that_reads_curves_is_given_them():
    assert ["--curves" in line for line in LINES] == [False, False, False, True, False, False]


def test_the_backtest_refits_what_the_fits_say_and_is_given_the_curves_that_one_of_them_reads():
    line = backtest_again(FITS[2:4], "results/a study")
    program, verb, *words = shlex.split(line)
    parsed = get_command(app).commands[verb].make_context(program, words).params
    assert [str(path) for path in parsed["fits"]] == ["results/a study/fits/u.json", "results/a study/fits/c.json"]
    assert "--curves 'results/a study/curves.parquet'" in line


def test_the_sensitivity_is_that_of_the_recommended_fit():
    assert LINES[-1].startswith("flopscape sensitivity 'results/a study/runs.csv' --method approach2 --variant exact")
