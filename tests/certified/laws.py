"""Other laws, by least squares of the log loss, in the logarithms of their parameters but for a floor."""

from mpmath import exp, log, mpf, sqrt

from tests.certified.numerics import Vector, covariance, minimise, student
from tests.certified.tables import Table, grid


def coupled(p: Vector, n: mpf, d: mpf) -> mpf:
    E, la, lb, alpha, beta, gamma = p
    return E + (exp(la - exp(alpha) * log(n)) + exp(lb - exp(beta) * log(d))) ** exp(gamma)


def kaplan(p: Vector, n: mpf, d: mpf) -> mpf:
    N_c, D_c, alpha_n, alpha_d = p
    ratio = exp(alpha_n - alpha_d)
    return (exp(ratio * (N_c - log(n))) + exp(D_c - log(d))) ** exp(alpha_d)


def power(p: Vector, n: mpf, d: mpf) -> mpf:
    E, scale, alpha = p
    return E + exp(exp(alpha) * (scale - log(n)))


LAWS = {
    "coupled": (coupled, ("E", "A", "B", "alpha", "beta", "gamma"), ("1.8", 3900, 33000, "0.45", "0.49", "0.74")),
    "kaplan": (kaplan, ("N_c", "D_c", "alpha_N", "alpha_D"), ("6.4e13", "1.8e13", "0.076", "0.103")),
    "power-n-floor": (power, ("E", "scale", "alpha"), ("1.7", "8.8e8", "0.3")),
}


def in_logs(names: tuple[str, ...], values: tuple[object, ...]) -> Vector:
    return [mpf(v) if name == "E" else log(mpf(v)) for name, v in zip(names, values, strict=True)]


def law_table(name: str) -> Table:
    law, names, truth = LAWS[name]
    p = in_logs(names, truth)
    return grid(lambda n, d: law(p, n, d), 2 + list(LAWS).index(name))


def law_fit(name: str, table: Table) -> dict[str, object]:
    """Parameters with the ends of their delta-method intervals."""
    law, names, truth = LAWS[name]
    y = [log(row["loss"]) for row in table]

    def predicted(p: Vector) -> Vector:
        return [log(law(p, row["n_params"], row["n_tokens"])) for row in table]

    def objective(p: Vector) -> mpf:
        return sum((a - b) ** 2 for a, b in zip(y, predicted(p), strict=True))

    p = minimise(objective, in_logs(names, truth))
    dof = len(table) - len(p)
    of, t = covariance(predicted, p, objective(p) / dof), student("0.975", dof)
    found = {}
    for i, key in enumerate(names):
        ends = [p[i] + side * t * sqrt(of[i, i]) for side in (0, -1, 1)]
        found[key] = ends if key == "E" else [exp(end) for end in ends]
    return {"parameters": found, "objective": objective(p)}
