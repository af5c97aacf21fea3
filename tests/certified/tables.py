"""Tables of runs from known laws, with Gaussian noise on ln L.

The noise are sums of twelve uniform numbers, whose stream Python keeps for ever. Losses are rounded to seven digits and
counts to whole numbers, so that a table's text is its exact value.
"""

import random
from collections.abc import Callable

from mpmath import exp, log, mpf, nstr

Table = list[dict[str, mpf]]


def noise(generator: random.Random, size: str) -> mpf:
    return mpf(size) * mpf(sum(generator.random() for _ in range(12)) - 6)


def isoflop() -> Table:
    """Five budgets × seven sizes around the optimum of E = 1.7, A = 400, B = 410, α = 0.34, β = 0.28."""
    generator, rows = random.Random(1), []
    for k in range(17, 22):
        best = exp(
            (log(mpf("0.34") * 400) - log(mpf("0.28") * 410) + mpf("0.28") * log(mpf(10) ** k / 6)) / mpf("0.62")
        )
        for i in range(-3, 4):
            n = mpf(int(best * 4 ** ((mpf(i) + mpf(generator.random() - 0.5)) / 3)))
            d = mpf(int(mpf(10) ** k / 6 / n))
            rows.append({"budget": mpf(10) ** k, "n_params": n, "n_tokens": d})
            rows[-1]["loss"] = mpf("1.7") + 400 * n ** mpf("-0.34") + 410 * d ** mpf("-0.28")
            rows[-1]["loss"] *= exp(noise(generator, "0.003"))
    return rows


def grid(loss: Callable[[mpf, mpf], mpf], seed: int) -> Table:
    """Six sizes × three numbers of tokens: few enough runs for the delta method's intervals."""
    generator, rows = random.Random(seed), []
    for n in (10**7, 4 * 10**7, 16 * 10**7, 64 * 10**7, 25 * 10**8, 10**10):
        for d in (10**9, 2 * 10**10, 4 * 10**11):
            row = {"n_params": mpf(n), "n_tokens": mpf(d)}
            rows.append(row | {"loss": loss(mpf(n), mpf(d)) * exp(noise(generator, "0.002"))})
    return rows


def as_text(table: Table) -> str:
    """CSV; what it says is the table from then on."""
    whole = [name for name in table[0] if name != "loss"]
    lines = [f"{','.join(str(int(row[name])) for name in whole)},{nstr(row['loss'], 7)}" for row in table]
    return "\n".join([",".join([*whole, "loss"]), *lines]) + "\n"


def read(text: str) -> Table:
    head, *lines = (line.split(",") for line in text.split())
    return [dict(zip(head, map(mpf, line), strict=True)) for line in lines]
