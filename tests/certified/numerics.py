"""Numbers of 130 digits: derivatives by differences, Newton's method, quantiles from the incomplete beta function."""

from collections.abc import Callable

from mpmath import betainc, diag, findroot, lu_solve, matrix, mp, mpf

mp.dps = 130
STEP, ZERO = mpf(10) ** -40, mpf(10) ** -50
Vector = list[mpf]
Function = Callable[[Vector], mpf]


def gradient(f: Function, x: Vector) -> Vector:
    def moved(i: int, step: mpf) -> Vector:
        return [value + step * (i == k) for k, value in enumerate(x)]

    return [(f(moved(i, STEP)) - f(moved(i, -STEP))) / (2 * STEP) for i in range(len(x))]


def hessian(f: Function, x: Vector) -> matrix:
    """Second differences; of a step whose square is still far above rounding."""
    h = mpf(10) ** -25
    rows = []
    for i in range(len(x)):
        up, down = ([v + s * h * (i == k) for k, v in enumerate(x)] for s in (1, -1))
        rows.append([(a - b) / (2 * h) for a, b in zip(gradient(f, up), gradient(f, down), strict=True)])
    return matrix(rows)


def minimise(f: Function, x: Vector) -> Vector:
    """Newton's method, damped until it goes down, to a gradient of zero."""
    size, damping = f(x), mpf("1e-3")
    for _ in range(200):
        g = gradient(f, x)
        if max(map(abs, g)) < ZERO * size:
            return x
        H = hessian(f, x)
        for _ in range(60):
            scale = diag([abs(H[i, i]) * damping for i in range(len(x))])
            new = [a - b for a, b in zip(x, lu_solve(H + scale, matrix(g)), strict=True)]
            if f(new) <= f(x):
                break
            damping = max(damping, mpf("1e-6")) * 10
        x, damping = new, damping / 1000 if damping > mpf("1e-9") else mpf(0)
    raise ArithmeticError("no optimum")


def student(level: str, dof: int) -> mpf:
    """Quantile of Student's t."""
    tail = 1 - mpf(level)
    return findroot(lambda t: betainc(mpf(dof) / 2, mpf(1) / 2, 0, dof / (dof + t**2), regularized=True) / 2 - tail, 2)


def fisher_tail(value: mpf, first: int, second: int) -> mpf:
    """P(F > value)."""
    return betainc(mpf(second) / 2, mpf(first) / 2, 0, second / (second + first * value), regularized=True)


def dot(a: Vector, b: Vector) -> mpf:
    return sum((x * y for x, y in zip(a, b, strict=True)), mpf(0))


def covariance(predicted: Callable[[Vector], Vector], x: Vector, variance: mpf) -> matrix:
    """variance·(JᵀJ)⁻¹ with J the derivatives of what is predicted."""
    columns = jacobian(predicted, x)
    return variance * matrix([[dot(a, b) for b in columns] for a in columns]) ** -1


def jacobian(predicted: Callable[[Vector], Vector], x: Vector) -> list[Vector]:
    """A list of n derivatives for each parameter."""
    columns = []
    for i in range(len(x)):
        up, down = (predicted([v + s * STEP * (i == k) for k, v in enumerate(x)]) for s in (1, -1))
        columns.append([(a - b) / (2 * STEP) for a, b in zip(up, down, strict=True)])
    return columns


def quadratic(form: matrix, g: Vector) -> mpf:
    return (matrix(g).T * form * matrix(g))[0]
