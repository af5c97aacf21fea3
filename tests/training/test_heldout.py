"""The held-out score and its standard error."""

import numpy as np
import pytest
import torch

from flopscape.training.components import load_parts
from flopscape.training.heldout import HeldoutSet, load_heldout, score
from flopscape.training.spec import check_spec


class OneProcess:
    """What scoring needs of an Accelerator."""

    process_index, num_processes, device = 0, 1, torch.device("cpu")


def per_row(module, batch):
    """A 'model' whose loss on every unit of a row is written in the row."""
    return batch["losses"].sum(), batch["losses"].numel()


def rows(losses):
    return HeldoutSet({"losses": losses}, losses.numel())


def score_of(losses):
    return score(torch.nn.Identity(), per_row, rows(losses), OneProcess())


def test_the_loss_is_the_mean_over_all_units():
    losses = torch.rand(300, 8, generator=torch.Generator().manual_seed(0))
    assert score_of(losses).loss == pytest.approx(losses.mean().item())
    assert score_of(losses).n_units == 2400


def test_the_standard_error_covers_the_spread_over_samples():
    """Rows of 8 equal losses: treating units as independent would be √8 too small."""
    generator = torch.Generator().manual_seed(0)
    scores = [score_of(torch.randn(640, 1, generator=generator).expand(-1, 8)) for _ in range(200)]
    spread = np.std([result.loss for result in scores])
    assert np.mean([result.standard_error for result in scores]) == pytest.approx(spread, rel=0.15)
    assert spread == pytest.approx(1 / np.sqrt(640), rel=0.15)


@pytest.mark.parametrize(
    ("sums", "counts", "squared_error"),
    [([2, 4, 6, 12], [2, 2, 2, 2], 7 / 6), ([1, 4, 9, 10], [1, 2, 3, 2], 1 / 2)],
    ids=["equal groups", "unequal groups"],
)
def test_the_standard_error_is_that_of_a_ratio_over_groups(sums, counts, squared_error):
    """Mean 3 nats over 8 units, Σ(sum − 3·count)² = 56 and 24; times n/(n − 1) = 4/3 and over 8² units."""
    heldout = HeldoutSet({"sum": torch.tensor(sums), "count": torch.tensor(counts)}, 8)
    result = score(torch.nn.Identity(), lambda _, b: (b["sum"].sum(), int(b["count"].sum())), heldout, OneProcess())
    assert (result.loss, result.n_units) == (3.0, 8)
    assert result.standard_error == pytest.approx(squared_error**0.5, rel=1e-12)


def test_neighbouring_rows_are_one_group_of_64():
    """Rows of 1 and 3 nats in turn differ, groups of two of them do not."""
    assert score_of(torch.tensor([1.0, 3.0]).repeat(64)[:, None]).standard_error == 0.0


def test_one_group_has_no_standard_error():
    assert score_of(torch.ones(1, 8)).standard_error is None


def test_a_subset_is_spread_over_the_whole():
    whole = rows(torch.arange(1000.0)[:, None].expand(-1, 4))
    subset = whole.evenly_spaced(400)
    assert subset.n_rows == 100
    assert subset.n_units == 400
    assert subset.rows["losses"][:, 0].mean() == pytest.approx(495, abs=6)


@pytest.mark.parametrize("n_units", [0, 4000, 9999])
def test_zero_or_too_many_units_give_the_whole_set(n_units):
    whole = rows(torch.ones(1000, 4))
    assert whole.evenly_spaced(n_units) is whole


@pytest.mark.parametrize(
    ("training", "changes"),
    [
        ({}, {"seed": 7}),
        ({}, {"size": {"width": 16, "depth": 2}}),
        ({}, {"n_tokens": 1024, "recipe": 3}),
        ({"batch_units": 1024, "learning_rate": 0.1, "curve_heldout_units": 64}, {}),
    ],
    ids=str,
)
def test_every_run_is_scored_on_the_same_windows(make_spec, text, training, changes):
    ours, theirs = (
        load_heldout(load_parts(check_spec(spec), text[0])).evenly_spaced(4096)
        for spec in (make_spec(training, **changes), make_spec())
    )
    assert torch.equal(ours.rows["tokens"], theirs.rows["tokens"])
    assert ours.n_units == theirs.n_units == 4096
