"""Small symmetric systems, thousands at once: elimination without pivoting, which knows what is not definite."""

import numpy as np

from flopscape.laws.arrays import Array, Mask


def solve_definite(matrix: Array, right: Array, least: float) -> tuple[Array, Mask]:
    """Solve positive definite systems by Gaussian elimination, vectorised over the systems.

    Parameters
    ----------
    matrix : array, shape (R, k, k)
        Symmetric.
    right : array, shape (R, k)
    least : float
        A pivot must exceed this part of its diagonal entry.

    Returns
    -------
    array, shape (R, k)
        Finite for finite input: lost pivots are replaced by the size of their diagonal entry.
    array, shape (R,)
        Bool: every pivot was large enough, so that the matrix is positive definite and this is its solution.
    """
    k = right.shape[1]
    rows = np.empty((k, k + 1, len(right)))
    rows[:, :k], rows[:, k] = matrix.transpose(1, 2, 0), right.T
    diagonal = np.abs(rows[np.arange(k), np.arange(k)])
    whole = np.ones(len(right), bool)
    for i in range(k):
        good = rows[i, i] > least * diagonal[i]
        whole &= good
        rows[i, i:] /= np.where(good, rows[i, i], diagonal[i] + 1e-300)
        rows[i + 1 :, i + 1 :] -= rows[i + 1 :, i, None] * rows[i, i + 1 :]
    x = rows[:, k]
    for i in range(k - 2, -1, -1):
        x[i] -= (rows[i, i + 1 : k] * x[i + 1 :]).sum(axis=0)
    return np.ascontiguousarray(x.T), whole
