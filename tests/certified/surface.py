"""Fits of L = E + A·N^−α + B·D^−β, with every interval, and without the outer budgets."""

from mpmath import exp, log, lu_solve, matrix, mpf, sqrt

from tests.certified.numerics import ZERO, Vector, covariance, dot, gradient, jacobian, minimise, quadratic, student
from tests.certified.tables import Table

ASKED = mpf(10) ** 22


class SurfaceFit:
    """A table's fit by Σ ρ(residual) of the loss or of its logarithm.

    p is (E, ln A', ln B', α, β) with A', B' at the centre of the logs.
    """

    def __init__(self, table: Table, logs: bool, delta: mpf | None = None, start: Vector | None = None) -> None:
        self.table, self.logs, self.delta = table, logs, delta
        self.u, self.v = ([log(row[name]) for row in table] for name in ("n_params", "n_tokens"))
        self.center = (sum(self.u) / len(table), sum(self.v) / len(table))
        self.y = [log(row["loss"]) if logs else row["loss"] for row in table]
        la = log(mpf(400)) - mpf("0.34") * self.center[0]
        lb = log(mpf(410)) - mpf("0.28") * self.center[1]
        self.p = minimise(self.objective, start or [mpf("1.7"), la, lb, mpf("0.34"), mpf("0.28")])

    def losses(self, p: Vector) -> Vector:
        E, la, lb, alpha, beta = p
        u, v = self.center
        pairs = zip(self.u, self.v, strict=True)
        return [E + exp(la - alpha * (x - u)) + exp(lb - beta * (z - v)) for x, z in pairs]

    def predicted(self, p: Vector) -> Vector:
        return [log(value) for value in self.losses(p)] if self.logs else self.losses(p)

    def residuals(self, p: Vector) -> Vector:
        return [a - b for a, b in zip(self.y, self.predicted(p), strict=True)]

    def objective(self, p: Vector) -> mpf:
        return sum((self.rho(abs(r)) for r in self.residuals(p)), mpf(0))

    def rho(self, r: mpf) -> mpf:
        """r², or Huber's function."""
        if self.delta is None:
            return r * r
        return r * r / 2 if r <= self.delta else self.delta * (r - self.delta / 2)

    @property
    def dof(self) -> int:
        return len(self.table) - 5

    @property
    def variance(self) -> mpf:
        return self.objective(self.p) / self.dof

    def quantities(self, p: Vector) -> dict[str, mpf]:
        """As an interval is made: amplitudes and N* by their logarithms."""
        E, la, lb, alpha, beta = p
        A, B = la + alpha * self.center[0], lb + beta * self.center[1]
        n = (log(alpha) + A - log(beta) - B + beta * log(ASKED / 6)) / (alpha + beta)
        loss = E + exp(A - alpha * n) + exp(B - beta * (log(ASKED / 6) - n))
        a = beta / (alpha + beta)
        return {"E": E, "A": A, "B": B, "alpha": alpha, "beta": beta, "a": a, "n_params": n, "loss": loss}

    def slope(self, name: str, p: Vector) -> Vector:
        return gradient(lambda x: self.quantities(x)[name], p)

    def estimates(self) -> dict[str, mpf]:
        return {name: plain(name, value) for name, value in self.quantities(self.p).items()}

    def spread(self, of: matrix, t: mpf) -> dict[str, Vector]:
        """Ends of linear intervals."""
        found = {}
        for name, value in self.quantities(self.p).items():
            reach = t * sqrt(quadratic(of, self.slope(name, self.p)))
            found[name] = [plain(name, value - reach), plain(name, value + reach)]
        return found

    def delta_method(self) -> dict[str, Vector]:
        return self.spread(covariance(self.predicted, self.p, self.variance), student("0.975", self.dof))

    def hc3(self) -> matrix:
        """MacKinnon & White's jackknife, one row a run: (n − 1)/n · Σ of the squares of what leaving a row out does."""
        J, bread, n = jacobian(self.predicted, self.p), covariance(self.predicted, self.p, mpf(1)), len(self.table)
        total = matrix(5, 5)
        for i, r in enumerate(self.residuals(self.p)):
            row = matrix([column[i] for column in J])
            move = bread * row * (r / (1 - (row.T * bread * row)[0]))
            total += move * move.T
        return total * mpf(n - 1) / n

    def profile(self) -> dict[str, Vector]:
        """Ends of {q(p) : RSS(p) ≤ RSS·(1 + t²/(n − 5))}, where ∇RSS = μ∇q."""
        t, best = student("0.975", self.dof), self.objective(self.p)
        rise, shape = best * t**2 / self.dof, covariance(self.predicted, self.p, mpf(1))
        found = {}
        for name in self.quantities(self.p):
            g = self.slope(name, self.p)
            size, ends = sqrt(quadratic(shape, g)), []
            for side in (-1, 1):
                start = [a + side * sqrt(rise) * b / size for a, b in zip(self.p, shape * matrix(g), strict=True)]
                end = self._lagrange(name, start, 2 * side * sqrt(rise) / size, best + rise)
                ends.append(plain(name, self.quantities(end)[name]))
            found[name] = ends
        return found

    def _lagrange(self, name: str, p: Vector, mu: mpf, target: mpf) -> Vector:
        """Newton's method on (∇RSS − μ∇q, RSS − target), with derivatives by differences of 1e-25."""

        def conditions(x: Vector) -> Vector:
            pull = zip(gradient(self.objective, x[:5]), self.slope(name, x[:5]), strict=True)
            return [*(a - x[5] * b for a, b in pull), self.objective(x[:5]) - target]

        x, h = [*p, mu], mpf(10) ** -25
        for _ in range(60):
            value = conditions(x)
            if max(map(abs, value)) < ZERO * target:
                return x[:5]
            columns = [conditions([v + h * (i == k) for k, v in enumerate(x)]) for i in range(6)]
            J = matrix([[(columns[j][i] - value[i]) / h for j in range(6)] for i in range(6)])
            x = [a - b for a, b in zip(x, lu_solve(J, matrix(value)), strict=True)]
        raise ArithmeticError(f"no end of {name}")


def plain(name: str, value: mpf) -> mpf:
    """A quantity itself where it was kept as a logarithm."""
    return exp(value) if name in ("A", "B", "n_params") else value


def surface(table: Table, logs: bool) -> dict[str, object]:
    """Estimates, every kind of interval, and the fits without the outer budgets."""
    fit = SurfaceFit(table, logs)
    budgets = sorted({row["budget"] for row in table})
    fewer = SurfaceFit([row for row in table if row["budget"] > budgets[0]], logs)
    short = SurfaceFit([row for row in table if row["budget"] < budgets[-1]], logs)
    return {
        "estimates": fit.estimates(), "rss": fit.objective(fit.p), "intervals": {
            "delta": fit.delta_method(), "sandwich": fit.spread(fit.hc3(), student("0.975", fit.dof)),
            "profile F": fit.profile(),
        },
        "se_a": sqrt(quadratic(covariance(fit.predicted, fit.p, fit.variance), fit.slope("a", fit.p))),
        "without_smallest": drift(fit, fewer), "predict_largest": miss(short, table, budgets[-1]),
    }  # fmt: skip


def drift(whole: SurfaceFit, part: SurfaceFit) -> dict[str, mpf]:
    """Moves of α, β and a, and their standard errors: Var(part) − Var(whole), both about the part's surface."""
    p = [*part.p]
    p[1] -= p[3] * (whole.center[0] - part.center[0])
    p[2] -= p[4] * (whole.center[1] - part.center[1])
    own, all_ = (covariance(fit.predicted, q, part.variance) for fit, q in ((part, part.p), (whole, p)))
    found = {}
    for name in ("alpha", "beta", "a"):
        found[name] = part.quantities(part.p)[name] - whole.quantities(whole.p)[name]
        squares = quadratic(own, part.slope(name, part.p)) - quadratic(all_, whole.slope(name, p))
        found[f"se_{name}"] = sqrt(squares)
    return found


def miss(short: SurfaceFit, table: Table, budget: mpf) -> dict[str, mpf]:
    """Mean and root mean square of the largest budget's losses less what the fit without it predicts."""
    E, la, lb, alpha, beta = short.p
    errors = [
        row["loss"] - E - exp(la - alpha * (log(row["n_params"]) - short.center[0]))
        - exp(lb - beta * (log(row["n_tokens"]) - short.center[1]))
        for row in table if row["budget"] == budget
    ]  # fmt: skip
    return {"mean": sum(errors) / len(errors), "rms": sqrt(dot(errors, errors) / len(errors))}


def huber(table: Table, delta: str) -> dict[str, object]:
    fit = SurfaceFit(table, True, mpf(delta), SurfaceFit(table, True).p)
    return {"delta": mpf(delta), "estimates": fit.estimates(), "objective": fit.objective(fit.p)}
