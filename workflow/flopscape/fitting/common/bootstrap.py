"""Resamples of whole runs, and the intervals that they give: the percentile bootstrap.

A resample draws as many runs as a table has, with replacement, each with the same chance (Efron & Tibshirani 1993,
section 9.5, pairs and not residuals: errors may differ between runs). All rows of a run, its checkpoints, come along
together, for they share its errors. To a fit a resample is a weighting of the table's rows by whole numbers, so that
thousands of resamples are solved as one array of weights. The 95 % interval of a number lies between the 2.5 % and
97.5 % quantiles of what the resamples give (section 13.3), and so is that of any function that rises with it.
"""

from collections.abc import Iterator

import numpy as np

from flopscape.laws.law import Array, Names


def run_weights(run_id: Names, replicates: int, seed: int, chunk: int) -> Iterator[Array]:
    """Multiplicity of every row in each resample, in chunks.

    Parameters
    ----------
    run_id : array of str, shape (n,)
        The run of each row.
    replicates : int
        How many resamples to draw.
    seed : int
        Seed of the resampling.
    chunk : int
        Resamples that are held at a time.

    Yields
    ------
    array, shape (≤ chunk, n)
        The stream of resamples depends on the seed alone, not on the chunk.
    """
    _, group = np.unique(run_id, return_inverse=True)
    runs = int(group.max()) + 1
    generator = np.random.default_rng(seed)
    for first in range(0, replicates, chunk):
        size = min(chunk, replicates - first)
        drawn = generator.integers(0, runs, size=(size, runs))
        flat = (drawn + runs * np.arange(size)[:, None]).ravel()
        counts = np.bincount(flat, minlength=size * runs).reshape(size, runs)
        yield counts[:, group].astype(float)


def percentile_interval(draws: Array) -> tuple[float, float]:
    """Central 95 % of the finite draws; NaN where fewer than half are finite.

    Examples
    --------
    >>> percentile_interval(np.arange(1001.0))
    (25.0, 975.0)
    """
    finite = draws[np.isfinite(draws)]
    if len(finite) < max(len(draws) / 2, 2):
        return float("nan"), float("nan")
    low, high = np.quantile(finite, [0.025, 0.975])
    return float(low), float(high)
