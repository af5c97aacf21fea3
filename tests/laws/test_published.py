"""Each law against a number that its paper or its authors' code gives."""

import numpy as np
import pytest

from flopscape.laws.constrained import Constrained, log_matched_size
from flopscape.laws.constrained import loss as constrained_loss
from flopscape.laws.constrained import optimum as constrained_optimum
from flopscape.laws.inference import inference_optimum
from flopscape.laws.kaplan import Kaplan, exponents
from flopscape.laws.law import Compute
from flopscape.laws.mixture import mixture_of
from flopscape.laws.power import Power
from flopscape.laws.power import loss as power_loss
from flopscape.laws.registry import LAWS
from flopscape.laws.surface import Surface, closed_form_optimum, loss, optimum
from tests.laws.examples import ABNAR, GEMSTONES, TAO

PF_DAY = 1e15 * 86400
"""FLOPs of a petaFLOP/s-day, in which Kaplan et al. 2020 count C."""
KAPLAN = Kaplan(6.4e13, 1.8e13, 0.076, 0.103)
"""Kaplan et al. 2020, table 2."""
MUENNIGHOFF = Constrained(
    np.exp(0.6254804), np.exp(6.255414), np.exp(7.3049974), 0.3526596, 0.3526596, 15.387756, 5.309743
)
"""Muennighoff et al. 2023, the constants of their published code."""
SARDANA = Surface(1.69, 406.4, 410.7, 0.336, 0.283)
"""Sardana et al. 2023, section 2, after Hoffmann et al. 2022."""


@pytest.mark.parametrize(
    ("scale", "alpha", "factor"), [(8.8e13, 0.076, 0.95), (5.4e13, 0.095, 0.94), (3.1e8 * PF_DAY, 0.050, 0.97)]
)
def test_twice_as_much_multiplies_the_loss_by_two_to_the_minus_alpha(scale, alpha, factor):
    """Kaplan et al. 2020, section 1.2, says 0.95 for N; the others follow from their exponents. Two digits."""
    law = Power(scale, alpha)
    assert power_loss(law, 2e9) / power_loss(law, 1e9) == pytest.approx(factor, abs=0.005)
    assert power_loss(law, scale) == pytest.approx(1, rel=1e-12)


def test_kaplans_loss_loses_two_percent_to_overfitting_at_5e3_times_n_to_the_074():
    """Kaplan et al. 2020, equation 4.4, in one digit: the exponent and the prefactor from equation 4.3."""
    alpha = KAPLAN.alpha_N / KAPLAN.alpha_D
    prefactor = KAPLAN.D_c / KAPLAN.N_c**alpha / (1.02 ** (1 / KAPLAN.alpha_D) - 1)
    assert alpha == pytest.approx(0.74, abs=0.005)
    assert float(f"{prefactor:.0e}") in (5e3, 6e3)


def test_eight_times_the_parameters_need_five_times_the_data():
    """Kaplan et al. 2020, section 1.1, "roughly 5×": 4.6 for one degree of overfitting."""
    a, b = exponents(KAPLAN)
    assert 8 ** (b / a) == pytest.approx(5, abs=0.5)


@pytest.mark.parametrize(("n", "d", "expected"), [(6.34e9, 242e9, 2.2256440890), (8.67e9, 178e9, 2.2269634075)])
def test_data_constrained_loss_with_25e9_distinct_tokens(n, d, expected):
    assert constrained_loss(MUENNIGHOFF, n, d, 25e9) == pytest.approx(expected, abs=5e-11)


def test_the_parameters_that_distinct_tokens_can_use_are_051_times_as_many():
    """Muennighoff et al. 2023, equation 17: U_N = 0.051·U_D, in its digits."""
    assert np.exp(log_matched_size(MUENNIGHOFF, np.log(25e9))) / 25e9 == pytest.approx(0.051, abs=5e-4)


def test_data_constrained_optimum_is_near_the_published_allocation():
    """Muennighoff et al. 2023, figure 1: 6.34e9 parameters on 242e9 tokens for the compute of 8.67e9 on 178e9.

    The minimum is so flat that their size, 7 % below it, costs 1.4e-4 nats.
    """
    flops = 6 * 8.67e9 * 178e9
    best = constrained_optimum(MUENNIGHOFF, flops, Compute.constant(), 25e9)
    assert 0 <= constrained_loss(MUENNIGHOFF, 6.34e9, flops / 6 / 6.34e9, 25e9) - best.loss < 2e-4
    assert best.n_params == pytest.approx(6.34e9, rel=0.08)


@pytest.mark.parametrize(
    ("size", "served", "n_params", "times_tokens", "saved"),
    [(30e9, 1e13, 13.6e9, 2.84, 0.28), (13e9, 2e12, 7.0e9, None, 0.17)],
)
def test_inference_demand_makes_smaller_models_cheaper(size, served, n_params, times_tokens, saved):
    """Sardana et al. 2023, section 2 and figure 1, in their digits: the quality of a compute-optimal model of
    `size`. For the second figure 1 also prints 1.7e22 FLOPs saved.
    """
    _, A, B, alpha, beta = SARDANA
    tokens = (beta * B / (alpha * A) * size**alpha) ** (1 / beta)
    best = inference_optimum(SARDANA, served, loss=loss(SARDANA, size, tokens))
    usual = 6 * size * tokens + 2 * size * served
    cost = best.training + best.serving
    assert best.n_params == pytest.approx(n_params, rel=0.005)
    assert 1 - cost / usual == pytest.approx(saved, abs=0.005)
    if times_tokens:
        assert best.n_tokens / tokens == pytest.approx(times_tokens, abs=0.005)
    else:
        assert usual - cost == pytest.approx(1.7e22, abs=0.05e22)


def test_kaplan_optimum_agrees_with_a_surface_of_the_inner_form():
    inner = KAPLAN.coupled.inner
    assert optimum(inner, 1e21, Compute.constant()).n_params == closed_form_optimum(inner, 1e21).n_params


@pytest.mark.parametrize("flops", [1e20, 1e21])
def test_sparser_models_want_more_parameters_of_which_fewer_are_active(flops):
    """Abnar et al. 2025: at one compute the optimal N rises with S, and what of it is active falls.

    Each run costs C = 6·N·(1 − S)·D.
    """
    active = np.array([1.0, 0.5, 0.25, 0.1, 0.05, 0.02])
    best = [
        LAWS["sparsity"].bound_at({"1 - sparsity": x}).optimum(ABNAR, flops, Compute.constant(6 * x), np.inf)
        for x in active
    ]
    n, losses = (np.array([getattr(one, name) for one in best]) for name in ("n_params", "loss"))
    assert (np.diff(n) > 0).all()
    assert (np.diff(n * active) < 0).all()
    assert (np.diff(losses) < 0).all()


def test_llama_2_70b_should_have_had_a_vocabulary_of_216_k():
    """Tao et al. 2024, abstract, "at least 216K": with C as their code has it for 7e10 parameters, and a width of 8192.

    C = 6·(N + N_v)·D, so that the vocabulary's parameters are paid for with tokens.
    """
    n, width = 7e10, 8192
    flops = (n / np.exp(-2.4846510161625193)) ** 2
    vocabulary = np.geomspace(1e3, 1e7, 100_001) * width
    losses = LAWS["vocabulary"].value(TAO, n, flops / 6 / (n + vocabulary), vocabulary)
    assert vocabulary[losses.argmin()] / width == pytest.approx(216e3, rel=0.01)


@pytest.mark.parametrize(
    ("width", "depth", "n_params", "n_tokens", "measured"),
    [
        (1280, 36, 1013607680, 50017075200, 2.7317581177),
        (1792, 7, 517499136, 60020490240, 2.9005246162),
        (1536, 50, 1924161024, 100034150400, 2.5839939117),
    ],
)
def test_depth_and_width_give_the_losses_of_published_runs(width, depth, n_params, n_tokens, measured):
    """McLeish et al. 2025: three of the runs behind the published parameters (wandb_df_for_fitting_hot.jsonl)."""
    assert LAWS["depth-width"].value(GEMSTONES, n_params, n_tokens, depth, width) == pytest.approx(measured, rel=0.0045)


@pytest.mark.parametrize(
    ("k", "b", "objective", "losses"),
    [
        (-2.4381, -0.5978, 1.0180197932641022e-05, [1.6208328, 1.5498363, 1.4789031, 1.4469296, 1.4110913]),
        (-1.6405, -0.6819, 3.6705273487314116e-06, [1.4443359, 1.3859675, 1.3278245, 1.2935974, 1.2567707]),
    ],
)
def test_data_mixtures_leave_the_published_residuals(k, b, objective, losses):
    """Ye et al. 2024, yegcjs/mixinglaws, mix_2_domains.ipynb: 70 M parameters, the loss on code after so many steps.

    These are 10,000 and 30,000. Their c is the one of a thousand up to the lowest loss with which ln (L − c) is
    straightest; k and b are printed, and so is half the mean square that exp(k·r + b) + c leaves of the losses at five
    shares r of code.
    """
    shares, measured = np.array([0.25, 0.375, 0.5, 0.625, 0.75]), np.array(losses)
    floors = np.linspace(0, measured.min(), 1000)[:-1]
    straight = [abs(np.corrcoef(shares, np.log(measured - c))[0, 1]) for c in floors]
    law = mixture_of({"mixture": ["web", "code"]})
    p = law.kind(E=floors[np.argmax(straight)], a_web=np.exp(b), a_code=np.exp(b + k))
    left = law.value(p, 1 - shares, shares) - measured
    assert np.mean(left**2) / 2 == pytest.approx(objective, rel=1e-4)
