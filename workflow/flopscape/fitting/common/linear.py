"""Small problems, thousands at once: what their searches return, and the linear systems that they solve at every step.

There are three kinds:

- Systems that may have no solution, or many. NumPy raises for a whole batch where one matrix is singular, and for
  numbers that are not finite; here such a problem gets the shortest step of least squares, or none, and the others keep
  theirs to the last digit.
- Positive definite systems, by elimination without pivoting, which finds out which of them are not definite.
- Non-negative least squares with very few coefficients, exactly. The optimum of min ‖y − Φc‖², c ≥ 0 lies on one face,
  a set of free coefficients with the rest zero. With at most four coefficients every face can be solved and the best
  feasible one taken (Lawson & Hanson 1974, chapter 23, gives the conditions that make it the optimum). Only the Gram
  matrix ΦᵀΦ and Φᵀy enter, as nested lists of arrays that broadcast against each other: on an exponent grid the entry
  of one term varies along one axis only.
"""

from itertools import combinations
from typing import NamedTuple

import numpy as np

from flopscape.laws.law import Array, Mask

# Rounding, for all of fitting. A double has a relative error of 2⁻⁵³ = 1.1e-16. A sum of n products keeps √n to n of
# that; a difference loses as many digits as it cancels; a square of what should be zero has the error squared.
ROUNDED_SUM = 1e-14
"""Error of a sum over the rows, as a part of itself."""
ROUNDED_GRAM = 1e-13
"""Error of a sum of squares that comes from a Gram matrix, Σ w y² less what is explained, as a part of Σ w y²."""
ROUNDED_STEP = 1e-12
"""Error of an objective after an exact step onto five rows, as a part of itself: the step solves a system of ten."""
ROUNDED_FIT = 1e-10
"""Residual of data without noise, as a part of the loss: what an iterative fit leaves."""
ROUNDED_DIFFERENCE = 1e-9
"""Error of a difference of nearly equal numbers, as a part of those: a curvature, a sum of squares without one row."""
EXACT_SQUARE = 1e-26
"""Square of a rounded loss, in nats², or of a part of it: what is left of exact data in a mean square."""
EXACT_LOG_SQUARE = 1e-30
"""Square of a rounded ln L, which errs by about 1e-15 where ln L is about one."""
TINY = 1e-300
"""What may be divided by, and is below any quantity of a fit."""
DETERMINED = 1e-12
"""Singular values below this part of the largest say nothing: their directions get no step."""
PIVOT = 1e-12
"""A pivot smaller than this part of its diagonal entry means that the face's terms are collinear."""
Entries = list[list[Array]]


class Optimum(NamedTuple):
    """Optima of R problems with k parameters."""

    p: Array
    """Shape (R, k)."""
    objective: Array
    """Shape (R,): a sum over the rows, never a mean."""
    converged: Mask
    """Shape (R,), bool: the Newton decrement g'H⁻¹g fell below the tolerance."""


class Quadratic(NamedTuple):
    """R objectives around a point, to second order; gradient and Hessian are of half a sum of squares."""

    objective: Array
    """Shape (R,)."""
    gradient: Array
    """Shape (R, k)."""
    hessian: Array
    """Shape (R, k, k): exact, or the Gauss–Newton product J'WJ."""


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
    return np.asarray(np.linalg.pinv(product, rcond=ROUNDED_SUM, hermitian=True))


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


def all_faces(size: int) -> list[tuple[int, ...]]:
    """Non-empty sets of coefficients, the largest first."""
    return [face for count in range(size, 0, -1) for face in combinations(range(size), count)]


def solve_face(gram: Entries, target: list[Array], face: tuple[int, ...]) -> tuple[list[Array], Array, Mask]:
    """Unconstrained solution on one face by LDLᵀ.

    Returns
    -------
    coefficients of the face, reduction of the squared error ‖y‖² that it gives, and whether it is feasible: every
    coefficient positive and no pivot lost to collinearity.
    """
    size = len(face)
    lower: list[list[Array]] = [[] for _ in face]
    pivots: list[Array] = []
    z: list[Array] = []
    feasible = np.asarray(True)
    # LDLᵀ of the face's Gram matrix, a row at a time, with z = L⁻¹Φᵀy beside it; all entries may be arrays of problems.
    for i, row in enumerate(face):
        scaled: list[Array] = []
        for j in range(i):
            entry = gram[row][face[j]] - sum(lower[j][m] * scaled[m] for m in range(j))
            scaled.append(entry)
            lower[i].append(entry / pivots[j])
        pivot = gram[row][row] - sum(lower[i][m] * scaled[m] for m in range(i))
        whole = pivot > PIVOT * gram[row][row]
        feasible = feasible & whole
        pivots.append(np.where(whole, pivot, 1.0))
        z.append(target[row] - sum(lower[i][m] * z[m] for m in range(i)))
    # ‖y‖² falls by Σ z²/pivot: known before any coefficient is.
    gain = sum(z[i] * z[i] / pivots[i] for i in range(size))
    coefficients = [z[i] / pivots[i] for i in range(size)]
    # Back-substitution of Lᵀ; a coefficient that is not positive makes the face infeasible.
    for i in range(size - 1, -1, -1):
        coefficients[i] = coefficients[i] - sum(lower[m][i] * coefficients[m] for m in range(i + 1, size))
        feasible = feasible & (coefficients[i] > 0)
    return coefficients, np.asarray(gain), feasible


def best_gain(gram: Entries, target: list[Array]) -> Array:
    """Reduction of ‖y‖² by the non-negative optimum, over the broadcast shape of the entries."""
    best = np.asarray(0.0)
    for face in all_faces(len(target)):
        _, gain, feasible = solve_face(gram, target, face)
        best = np.maximum(best, np.where(feasible, gain, 0.0))
    return best


def best_coefficients(gram: Array, target: Array) -> Array:
    """Non-negative optimum of each problem.

    Parameters
    ----------
    gram : array, shape (problems, k, k)
    target : array, shape (problems, k)

    Returns
    -------
    array, shape (problems, k)
        Zeros are exact: a coefficient is zero or free.
    """
    solution, feasible = solve_definite(gram, target, PIVOT)
    # Nearly all problems have every coefficient positive: only the others go through the faces.
    todo = np.flatnonzero(~(feasible & (solution > 0).all(axis=1)))
    if not len(todo):
        return solution
    solution[todo] = 0.0
    best = np.zeros(len(target))
    entries = [[gram[todo, i, j] for j in range(target.shape[1])] for i in range(target.shape[1])]
    for face in all_faces(target.shape[1])[1:]:
        coefficients, gain, inside = solve_face(entries, list(target[todo].T), face)
        better = inside & (gain > best[todo])
        chosen = todo[better]
        best[chosen], solution[chosen] = gain[better], 0.0
        solution[chosen[:, None], face] = np.stack(coefficients, axis=1)[better]
    return solution


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
    # The systems are the last axis, so that each step of the elimination is one operation on whole rows of memory.
    rows = np.empty((k, k + 1, len(right)))
    rows[:, :k], rows[:, k] = matrix.transpose(1, 2, 0), right.T
    diagonal = np.abs(rows[np.arange(k), np.arange(k)])
    whole = np.ones(len(right), bool)
    for i in range(k):
        good = rows[i, i] > least * diagonal[i]
        whole &= good
        rows[i, i:] /= np.where(good, rows[i, i], diagonal[i] + TINY)
        rows[i + 1 :, i + 1 :] -= rows[i + 1 :, i, None] * rows[i, i + 1 :]
    x = rows[:, k]
    for i in range(k - 2, -1, -1):
        x[i] -= (rows[i, i + 1 : k] * x[i + 1 :]).sum(axis=0)
    return np.ascontiguousarray(x.T), whole
