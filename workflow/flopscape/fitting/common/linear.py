"""Linear systems that may have no solution, or many: what the fits solve at every step, for many problems at once.

NumPy raises for a whole batch where one matrix is singular, and for numbers that are not finite. Here such a problem
gets the shortest step of least squares, or none, and the others keep theirs to the last digit.
"""

import numpy as np

from flopscape.laws.arrays import Array

DETERMINED = 1e-12
"""Singular values below this part of the largest say nothing: their directions get no step."""
ROUNDING = 1e-14
"""The same for products JᵀJ of normalised columns, whose singular values are squares."""


def solve(systems: Array, right: Array) -> Array:
    """Solutions x (R, k, m) of systems (R, k, k)·x = right (R, k, m).

    Where a matrix is singular, x is the shortest of the best; zero where a number is not finite.
    """
    try:
        return np.asarray(np.linalg.solve(systems, right))
    except np.linalg.LinAlgError:
        return np.stack([_solve_one(*pair) for pair in zip(systems, right, strict=True)])


def _solve_one(system: Array, right: Array) -> Array:
    try:
        return np.asarray(np.linalg.solve(system, right))
    except np.linalg.LinAlgError:
        return np.asarray(np.linalg.lstsq(_finite(system), _finite(right), rcond=DETERMINED)[0])


def inverse(matrix: Array) -> Array:
    """Inverse of one matrix, not a number anywhere for a singular one: nothing is known of what it would give."""
    try:
        return np.asarray(np.linalg.inv(matrix))
    except np.linalg.LinAlgError:
        return np.full(matrix.shape, np.nan)


def pseudo_inverse(product: Array) -> Array:
    """Moore–Penrose inverse of a symmetric product JᵀJ; not a number anywhere where it holds one that is not finite."""
    if not np.isfinite(product).all():
        return np.full(product.shape, np.nan)
    return np.asarray(np.linalg.pinv(product, rcond=ROUNDING, hermitian=True))


def eigen(matrices: Array) -> tuple[Array, Array]:
    """Eigenvalues (R, k) and vectors (R, k, k) of symmetric matrices; numbers that are not finite count as zero."""
    values, vectors = np.linalg.eigh(_finite(matrices))
    return values, vectors


def root(covariance: Array) -> Array:
    """R with R·Rᵀ the covariance: Cholesky's, or where rounding made that impossible from its positive eigenvalues."""
    try:
        return np.asarray(np.linalg.cholesky(covariance))
    except np.linalg.LinAlgError:
        values, vectors = eigen(covariance)
        return np.asarray(vectors * np.sqrt(np.maximum(values, 0.0)))


def condition(matrix: Array) -> float:
    """Condition number; infinite for a matrix without columns or with numbers that are not finite."""
    usable = matrix.size and np.isfinite(matrix).all()
    return float(np.linalg.cond(matrix)) if usable else float("inf")


def _finite(values: Array) -> Array:
    return np.where(np.isfinite(values), values, 0.0)
