"""Fits of other laws and of the envelope in the figures."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

from flopscape.figures import curves, loss, methods
from flopscape.figures.paths import path
from flopscape.figures.residuals import residuals
from flopscape.figures.tables import Tables
from flopscape.records.fit_result import Estimate, FitResult
from flopscape.report.comparison import parameters
from flopscape.report.read import formulas_of
from tests.figures import studies

FLOPS = np.geomspace(3e10, 1e13, 9)


def coupled(surface: FitResult) -> FitResult:
    """The law that is the surface where γ is one."""
    assert surface.surface
    found = surface.surface | {"gamma": Estimate(1.0, 0.9, 1.1)}
    return dataclasses.replace(surface, method="law", law="coupled", surface=None, parameters=found)


def one_quantity(name: str) -> FitResult:
    found = {"scale": Estimate(1e11, 1e10, 1e12), "alpha": Estimate(0.1, 0.05, 0.2)}
    return FitResult("ok", "", "law", name, "log_lsq", parameters=found)


@pytest.mark.parametrize("quantity", ["n_params", "n_tokens", "loss"])
def test_the_coupled_law_with_gamma_one_is_drawn_as_the_surface(quantity: str, text_study: Tables) -> None:
    fit, draws = text_study.fits["vpnls"], text_study.draws["vpnls"]
    one = path(fit, draws, quantity, FLOPS)
    other = path(coupled(fit), draws.assign(gamma=1.0), quantity, FLOPS)
    assert one
    assert other
    for mine, theirs in zip(one, other, strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-9)


def test_its_residuals_are_the_surfaces(text_study: Tables) -> None:
    fit = text_study.fits["vpnls"]
    left = residuals(coupled(fit), text_study.completed)
    pd.testing.assert_series_equal(left, residuals(fit, text_study.completed), check_names=False)


def test_a_law_of_compute_has_a_line_of_the_loss_alone() -> None:
    fit = one_quantity("power-c")
    drawn = path(fit, None, "loss", FLOPS)
    assert drawn
    np.testing.assert_allclose(drawn.centre, (1e11 / FLOPS) ** 0.1)
    assert path(fit, None, "n_params", FLOPS) is None


def test_a_law_of_size_has_residuals_no_line_and_no_place_in_a_legend(text_study: Tables) -> None:
    fit = one_quantity("power-n")
    runs = text_study.completed
    np.testing.assert_allclose(residuals(fit, runs), runs.loss - (1e11 / runs.n_params) ** 0.1)
    figure = loss.draw(dataclasses.replace(text_study, fits=text_study.fits | {"by size": fit}))
    assert not any("by size" in text.get_text() for text in figure.legends[0].get_texts())
    rows = methods.draw(dataclasses.replace(text_study, fits=text_study.fits | {"by size": fit})).axes[0]
    assert not any("by size" in label.get_text() for label in rows.get_yticklabels())


def test_the_vertices_of_approach1_stand_where_the_fit_has_them(text_study: Tables) -> None:
    stars = enumerate((1e10, 1e11), 1)
    optima = [{"budget": c, "flops": c, "loss": 2.0 / i, "n_params": 1e4, "used": True} for i, c in stars]
    fit = FitResult("ok", "", "approach1", "power law", "", optima=optima, diagnostics={"points": "heldout_loss"})
    axes = curves.draw(dataclasses.replace(text_study, fits={"envelope": fit})).axes[0]
    drawn = next(artist for artist in axes.collections if artist.get_gid() == "vertices")
    np.testing.assert_allclose(drawn.get_offsets(), [(o["flops"], o["loss"]) for o in optima])
    assert drawn.get_label() == "envelope: vertices\n(held-out loss)"


def test_other_laws_have_their_parameters_in_the_report(text_study: Tables) -> None:
    fits = {"s": text_study.fits["vpnls"], "c": coupled(text_study.fits["vpnls"])}
    tables = parameters(fits, formulas_of(fits), "nats")
    assert [table.head for table in tables] == [["fit", *"EABαβ"], ["fit", *"EABαβγ"]]  # type: ignore[union-attr]


def test_a_refused_fit_shows_no_parameters() -> None:
    fits = {"r": studies.refused_fit()}
    assert parameters(fits, formulas_of(fits), "nats") == []
