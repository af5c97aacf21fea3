"""The targets of published tables, to the digits that are known."""

import numpy as np
import pytest

from flopscape.fitting.fit import fit
from flopscape.fitting.surface import variable_projection
from flopscape.fitting.surface.global_starts import centred_problem
from tests.fitting.fit_tables import published

TARGETS = {
    ("llama_3__exp_loss", True): "133 1.8405 261.65 870.22 0.3481 0.3591 0.0074066335",
    ("llama_3__raw_loss", True): "133 0.6047 59.141 155.11 0.3100 0.3136 0.0020197",
    ("ml_scalefit__massivetext__chinchilla", True): "124 1.9176 974.07 8518.3 0.3885 0.4334 0.048540",
    ("ml_scalefit__massivetext__chinchilla", False): "89 1.9346 927.15 13695 0.3853 0.4570 0.032908",
    ("epochai_chinchilla__massivetext__chinchilla", True): "123 2.0618 2219.6 843200 0.4336 0.6507 0.77411",
    ("epochai_chinchilla__massivetext__chinchilla", False): "85 1.9001 792.15 8084.8 0.3752 0.4310 0.021666",
}


def last_digit(text: str) -> float:
    """One unit in the last digit printed; four digits of the one written 8.432e5."""
    return 100.0 if text == "843200" else 10.0 ** -len(text.partition(".")[2])


@pytest.mark.parametrize(("name", "outliers"), TARGETS)
def test_vpnls_reaches_the_published_optimum(name, outliers, tmp_path):
    rows, *printed = TARGETS[name, outliers].split()
    table = published(name, tmp_path, outliers)
    result, _ = fit(table, "vpnls", bootstrap=100)
    found = [number.estimate for number in result.surface.values()]
    assert len(table) == int(rows)
    for value, text in zip([*found, result.diagnostics["rss"]], printed, strict=True):
        assert value == pytest.approx(float(text), abs=0.51 * last_digit(text))


def test_vpnls_reaches_the_chinchilla_optimum(tmp_path):
    result, _ = fit(published("chinchilla", tmp_path), "vpnls", bootstrap=100)
    assert result.diagnostics["rss"] == pytest.approx(0.0832038076933, rel=1e-12)
    assert result.exponents["a"].estimate == pytest.approx(0.5446, abs=5e-5)
    assert result.diagnostics["share_of_starts_at_optimum"] == 1


def test_every_random_start_reaches_the_chinchilla_optimum(tmp_path):
    problem, _ = centred_problem(published("chinchilla", tmp_path))
    starts = np.exp(np.random.default_rng(0).uniform(np.log(0.02), np.log(3), (500, 2)))
    found = variable_projection.newton(problem, np.ones((500, 240)), starts)
    assert found.converged.all()
    assert found.objective == pytest.approx(np.full(500, found.objective.min()), rel=1e-8)


@pytest.mark.parametrize(
    ("outliers", "coefficient", "b", "n_tokens"), [(True, 0.2994, 0.5368, 16.1e12), (False, 1.592, 0.500, 9.8e12)]
)
def test_approach2_reproduces_llama_3(outliers, coefficient, b, n_tokens, tmp_path):
    result, _ = fit(published("llama_3__raw_loss", tmp_path, outliers), "approach2", flops=[3.8e25], bootstrap=100)
    found = result.predictions[0].n_tokens.estimate
    assert result.exponents["b"].estimate == pytest.approx(b, abs=5e-5)
    assert found == pytest.approx(n_tokens, rel=5e-3)
    assert found / 3.8e25 ** result.exponents["b"].estimate == pytest.approx(coefficient, rel=5e-4)


def test_vpnls_interval_for_llama_3(tmp_path):
    a = fit(published("llama_3__raw_loss", tmp_path), "vpnls")[0].exponents["a"]
    assert a.estimate == pytest.approx(0.503, abs=5e-4)
    assert (a.low, a.high) == pytest.approx((0.468, 0.536), abs=0.01)
