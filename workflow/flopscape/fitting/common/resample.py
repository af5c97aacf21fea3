"""Resampling of whole runs: rows that are checkpoints of one run are drawn together or not at all.

Row-wise resampling of correlated checkpoints gives 95 % intervals that cover about 40 %.
"""

from collections.abc import Iterator

import numpy as np

from flopscape.laws.arrays import Array, Names


def run_weights(run_id: Names, replicates: int, seed: int, chunk: int) -> Iterator[Array]:
    """Multiplicity of every row in each resample, in chunks.

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
    """Central 95 % of the finite draws; NaN where fewer than half are finite."""
    finite = draws[np.isfinite(draws)]
    if len(finite) < max(len(draws) / 2, 2):
        return float("nan"), float("nan")
    low, high = np.quantile(finite, [0.025, 0.975])
    return float(low), float(high)
