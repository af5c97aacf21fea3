"""Approach 2: a parabola in ln N for each budget, and a line through the vertices."""

from mpmath import exp, log, matrix, mpf, sqrt

from tests.certified.numerics import Vector, dot, fisher_tail, quadratic, student
from tests.certified.surface import ASKED
from tests.certified.tables import Table


def parabolas(table: Table) -> dict[str, object]:
    budgets = sorted({row["budget"] for row in table})
    x, vertices, units, squares, losses = [], [], [], mpf(0), []
    for budget in budgets:
        rows = [row for row in table if row["budget"] == budget]
        x.append(sum(log(6 * row["n_params"] * row["n_tokens"]) for row in rows) / len(rows))
        vertex, loss, unit, rss = parabola(rows)
        vertices, losses, units, squares = [*vertices, vertex], [*losses, loss], [*units, unit], squares + rss
    dof, m = len(table) - 3 * len(budgets), len(budgets)
    own = [squares / dof * unit for unit in units]
    center, z, slope, intercept = line(x, vertices)
    weights = [value / dot(z, z) for value in z]
    # Fisher's test that the vertices lie on a line no worse than their own errors allow: no scatter is added.
    assert fisher_tail(misfit(x, vertices, own) / (m - 2), m - 2, dof) > mpf("0.1")
    se, t = sqrt(sum(w * w * v for w, v in zip(weights, own, strict=True))), student("0.975", dof)
    far = log(ASKED) - center
    at = sqrt(sum((1 / mpf(m) + w * far) ** 2 * v for w, v in zip(weights, own, strict=True)))
    log_n = intercept + slope * far
    c, _, s, i = line(x[:-1], vertices[:-1])
    return {
        "vertices": {"n_params": [exp(v) for v in vertices], "loss": losses, "se_log_n_params": [sqrt(v) for v in own]},
        "a": [slope, slope - t * se, slope + t * se], "b": [1 - slope, 1 - slope - t * se, 1 - slope + t * se],
        "se_a": se, "t": t, "residual_sd": sqrt(squares / dof),
        "n_params": [exp(log_n), exp(log_n - t * at), exp(log_n + t * at)],
        "without_smallest": line(x[1:], vertices[1:])[2] - slope,
        "predict_largest": vertices[-1] - (i + s * (x[-1] - c)),
    }  # fmt: skip


def line(x: Vector, y: Vector) -> tuple[mpf, Vector, mpf, mpf]:
    """Mean of x, x less it, slope and height there of least squares."""
    center = sum(x) / len(x)
    z = [value - center for value in x]
    return center, z, dot(z, y) / dot(z, z), sum(y) / len(y)


def misfit(x: Vector, y: Vector, variance: Vector) -> mpf:
    """χ² of the weighted line."""
    w = [1 / v for v in variance]
    mx, my = dot(w, x) / sum(w), dot(w, y) / sum(w)
    z, r = [v - mx for v in x], [v - my for v in y]
    slope = sum(a * b * c for a, b, c in zip(w, z, r, strict=True)) / sum(a * b * b for a, b in zip(w, z, strict=True))
    return sum(a * (c - slope * b) ** 2 for a, b, c in zip(w, z, r, strict=True))


def parabola(rows: Table) -> tuple[mpf, mpf, mpf, mpf]:
    """ln N and loss of the vertex, the variance of ln N for unit noise, and the sum of squares."""
    logs, y = [log(row["n_params"]) for row in rows], [row["loss"] for row in rows]
    center = sum(logs) / len(logs)
    basis = [[(v - center) ** k for v in logs] for k in range(3)]
    inverse = matrix([[dot(a, b) for b in basis] for a in basis]) ** -1
    c = inverse * matrix([dot(b, y) for b in basis])
    rest = [v - dot([basis[k][i] for k in range(3)], list(c)) for i, v in enumerate(y)]
    at = -c[1] / (2 * c[2])
    unit = quadratic(inverse, [mpf(0), -1 / (2 * c[2]), -at / c[2]])
    return center + at, c[0] - c[1] ** 2 / (4 * c[2]), unit, dot(rest, rest)
