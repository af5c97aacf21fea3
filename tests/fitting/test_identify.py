"""Which designs tell N and D apart, by their Jacobian alone, and what the surface says of the sampled sizes."""

import numpy as np
import pandas as pd
import pytest

from flopscape.fitting.fit import fit
from flopscape.laws.surface import Surface, closed_form_optimum, loss
from tests.fitting.fit_tables import CHINCHILLA, as_table, isoflop, isoflop_frame

BESIROGLU = Surface(1.8172, 482.01, 2085.43, 0.3478, 0.3658)


def design(budgets, half_width, sizes=7):
    """Budgets × sizes ± half_width dex, with noise of 1e-5 so that the design and not the noise decides."""
    n, d = [], []
    for flops in budgets:
        n.append(closed_form_optimum(BESIROGLU, flops).n_params * 10 ** np.linspace(-half_width, half_width, sizes))
        d.append(flops / 6 / n[-1])
    return runs(np.concatenate(n), np.concatenate(d))


def near_a_ray(scatter):
    n = np.geomspace(10**7.5, 1e9, 35)
    return runs(n, 20 * n * 10 ** (scatter * np.random.default_rng(0).normal(size=35)))


def runs(n, d):
    noise = np.random.default_rng(1).normal(0, 1e-5, len(n))
    return pd.DataFrame({"n_params": n, "n_tokens": d, "loss": loss(BESIROGLU, n, d) * np.exp(noise)})


FIVE = np.geomspace(1e18, 1e20, 5)
WIDE_APART, CLOSE = np.array([1e18, 1e20]), np.array([1e18, 1.2e18])


@pytest.mark.parametrize(
    ("frame", "se_over_sigma", "status"),
    [
        (design(FIVE, 1.0), 1.4, "ok"),
        (design(FIVE, 0.6), 2.4, "ok"),
        (design(FIVE, 0.3), 4.8, "ok"),
        (design(FIVE, 0.15), 9.6, "ok"),
        (design(WIDE_APART, 0.6), 2.8, "ok"),
        (design(FIVE, 0.05), 28.8, "weak"),
        (design(CLOSE, 0.6), 29.4, "weak"),
        (near_a_ray(0.05), 48.7, "weak"),
        (near_a_ray(0.01), 238, "refused"),
    ],
    ids=["1 dex", "0.6 dex", "0.3 dex", "0.15 dex", "two", "0.05 dex", "two close", "near ray", "nearer ray"],
)
def test_designs_are_judged_by_what_they_tell_apart(frame, se_over_sigma, status, tmp_path):
    result = fit(as_table(frame, tmp_path), "vpnls", bootstrap=200)[0]
    assert result.status == status
    assert result.diagnostics["se_a_over_sigma"] == pytest.approx(se_over_sigma, rel=0.05)
    assert any("wider range of sizes" in text for text in result.warnings) == (se_over_sigma > 10)


@pytest.mark.parametrize("frame", [design([1e19], 0.6, 15), near_a_ray(0)], ids=["one budget", "ray"])
def test_one_budget_and_a_ray_are_refused(frame, tmp_path):
    assert fit(as_table(frame, tmp_path), "vpnls", bootstrap=50)[0].status == "refused"


@pytest.mark.parametrize("method", ["vpnls", "approach3"])
def test_a_budget_whose_optimum_was_not_sampled_is_named(method, tmp_path):
    frame = isoflop_frame(sigma=1e-4)
    first = frame["budget"] == frame["budget"].min()
    frame.loc[first, "n_params"] *= 6
    frame.loc[first, "n_tokens"] /= 6
    frame["loss"] = loss(CHINCHILLA, frame["n_params"].to_numpy(), frame["n_tokens"].to_numpy())
    result = fit(as_table(frame, tmp_path), method, bootstrap=50)[0]
    (outside,) = result.diagnostics["optimum_outside"]
    assert (outside["budget"], outside["side"]) == (1e17, "below")
    assert any("outside the sampled sizes at budget 10¹⁷" in text for text in result.warnings)


def test_a_term_below_the_noise_is_called_flat(tmp_path):
    n, d = (grid.ravel() for grid in np.meshgrid(np.geomspace(1e8, 1.3e8, 7), np.geomspace(1e8, 1e11, 7)))
    noise = np.random.default_rng(3).normal(0, 0.1, len(n))
    frame = pd.DataFrame({"n_params": n, "n_tokens": d, "loss": loss(CHINCHILLA, n, d) + noise})
    result = fit(as_table(frame, tmp_path), "vpnls", bootstrap=50)[0]
    spans = result.diagnostics["span_of_terms"]
    assert any("nearly flat in N" in text for text in result.warnings)
    assert spans["N"] < 0.1 < spans["D"]


def test_good_designs_have_every_optimum_inside(tmp_path):
    assert fit(isoflop(tmp_path), "vpnls", bootstrap=50)[0].diagnostics["optimum_outside"] == []
