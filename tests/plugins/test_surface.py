"""The surface plug-in: a known law, seeded noise, no torch."""

import statistics
import subprocess
import sys

import pytest

from flopscape.errors import FlopscapeError
from flopscape.plan.rows import plan_rows
from flopscape.plugins.loading import load_plugin
from flopscape.plugins.surface import Surface


def test_the_law_is_the_published_one():
    """Hoffmann et al. 2022 (arXiv 2203.15556), equation 10 with its printed constants, at Chinchilla's own size."""
    assert Surface().loss(70e9, 1.4e12) == pytest.approx(1.69 + 406.4 / 70e9**0.34 + 410.7 / 1.4e12**0.28, rel=1e-15)


def test_noise_has_its_standard_deviation_and_repeats(surface_study):
    rows = plan_rows(surface_study(budgets=[10.0**k for k in range(15, 21)], n_params=range(10**5, 10**6, 10**4)))
    noisy, clean = Surface(noise=0.1), Surface()
    errors = [noisy.train(row.spec).loss - clean.train(row.spec).loss for row in rows]
    assert statistics.pstdev(errors) == pytest.approx(0.1, rel=0.1)
    assert noisy.train(rows[0].spec).loss == noisy.train(rows[0].spec).loss


def test_records_are_marked_as_simulated(surface_study):
    record = Surface().train(plan_rows(surface_study())[0].spec)
    assert record.simulated
    assert record.n_tokens_seen == record.n_tokens_planned
    assert record.curve.heldout_loss[-1] == record.loss


def test_a_surface_that_cannot_be_is_refused():
    with pytest.raises(FlopscapeError, match="alpha and beta must be positive"):
        load_plugin("flopscape.plugins.surface:Surface", {"alpha": -1})


def test_simulating_imports_no_torch_and_no_pandas(tmp_path):
    code = (
        "import sys; from flopscape.plugins.surface import Surface; "
        "Surface().train({'model': {'plugin': 'flopscape.plugins.parameters:Parameters'}, "
        "'size': {'n_params': 10}, 'n_tokens': 256, 'seed': 0, 'recipe': 1}); "
        "sys.exit(bool({'torch', 'pandas', 'pydantic'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=False).returncode == 0
