"""The law of data mixtures: its derivatives, its corners, and the form in which it was published."""

import numpy as np
import pytest

from flopscape.errors import FlopscapeError
from flopscape.laws.law import Compute
from flopscape.laws.mixture import mixture_of

LAW = mixture_of({"mixture": ["web", "code", "books"]})
P = LAW.kind(E=1.6, a_web=0.8, a_code=2.5, a_books=1.3)
SHARES = np.random.default_rng(0).dirichlet(np.ones(3), 20).T


def test_it_is_the_published_law_with_the_shares_one_in_sum():
    """L = c + k·exp(Σ t_j·r_j) (Ye et al. 2024) for any k, with t_j = ln (a_j/k)."""
    for k in (0.5, 3.0):
        t = np.log(np.array(P[1:]) / k)
        assert LAW.value(P, *SHARES) == pytest.approx(1.6 + k * np.exp(t @ SHARES), rel=1e-13)


def test_gradient_matches_finite_differences():
    exact = LAW.derivative(P, *SHARES)
    for row, name in zip(exact, LAW.names, strict=True):
        h = 1e-6
        up, down = (LAW.value(P._replace(**{name: getattr(P, name) + s * h}), *SHARES) for s in (1, -1))
        assert row == pytest.approx((up - down) / (2 * h), rel=1e-7, abs=1e-8)


def test_one_source_alone_leaves_its_own_amplitude_above_the_floor():
    at = {"web": 0.0, "code": 1.0, "books": 0.0}
    best = LAW.bound_at(at).optimum(P, 1e20, Compute.constant(), np.inf)
    assert best.loss == pytest.approx(4.1, rel=1e-15)
    assert np.isnan(best.n_params)


@pytest.mark.parametrize(
    ("written", "sentence"),
    [
        ({"mixture": "web"}, "mixture is 'web'; write a list of two columns or more"),
        ({"mixture": ["web"]}, "write a list of two columns or more"),
        ({"mixture": ["web", 3]}, "write names of columns"),
        ({"mixture": ["web", "web"]}, "names a column twice"),
        ({"mixture": ["web", "code"], "terms": ["n_params"]}, "'terms' does not stand beside mixture"),
    ],
)
def test_a_mixture_that_makes_no_sense_is_said(written, sentence):
    with pytest.raises(FlopscapeError, match=sentence):
        mixture_of(written)
