"""Rows that repeat another in N, D, C and loss under another run id: copies of a run, or seeds with rounded losses.

A copy says nothing new, and counted as a seed it makes every interval too narrow. Two runs hardly have the same loss to
six decimals by chance: the difference of two seeds that scatter by σ has the density 1/(2σ√π) at zero, so that with σ =
0.001 nats a step of 10⁻⁶ holds one pair in 3,500. Losses with fewer digits do agree by chance, so that they need more
evidence to be called copies.
"""

from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.spatial import cKDTree

from flopscape.laws.law import Array, Mask, Names

POINT = ["n", "d", "u", "c"]
PRECISE_DECIMALS, PRECISE_BITS = 6, 17
"""Digits of a loss that two runs do not share by chance. A loss kept in half precision has up to 11 bits, but many
decimals: 3.703125 is a rounded 3.7."""
WHOLE_DECIMALS, WHOLE_POINTS = 3, 5
"""With at least these decimals it is no chance either where all rows of each of so many points agree."""


SINGLE = 2.0**-23
"""Relative difference that numbers kept in single precision have from themselves, at most."""
SAME_POINT = 1e-6
"""Relative difference of N, D and C of one design, computed on two ways."""
SEVERAL = 3
"""Rows that agree but for rounding which are no chance: two seeds that scatter by 0.001 come within 4·10⁻⁷ of each
other in one pair of 5,000, and of many runs one pair may."""


class Repeats(NamedTuple):
    """Rows to leave out as copies, and those that only might be."""

    copies: Mask
    doubtful: Mask


def repeats(n: Array, d: Array, u: Array, c: Array, loss: Array, seed: Names) -> Repeats:
    """Which rows repeat an earlier one: as copies where the losses are precise, the seed is the same, or all repeat.

    Parameters
    ----------
    n, d, u, c, loss : array, shape (rows,)
        Parameters, tokens, distinct tokens, FLOPs, and what came of them.
    seed : array of str, shape (rows,)
        Empty where a row has none.
    """
    frame = pd.DataFrame({"n": n, "d": d, "u": u, "c": c, "loss": loss, "seed": seed})
    # Every occurrence but the first, which always stays.
    later = frame.duplicated([*POINT, "loss"]).to_numpy()
    if not later.any():
        return Repeats(later, later)
    # With one seed and one design two runs are one run, whatever the digits of the loss; a blank seed says nothing.
    same_seed = frame.duplicated([*POINT, "loss", "seed"]).to_numpy() & (seed != "")
    certain = is_precise(loss[later]) or _all_repeat(frame, later)
    copies = later if certain else same_seed
    return Repeats(copies, later & ~copies)


def repeats_in_other(rows: Array, other: Array) -> Repeats:
    """Which rows of one table stand in another, to the digits that both are written with.

    A copy may have been rounded on its way, or kept in single precision. Two recipes on one design do agree in losses
    of few digits, so that these are copies only where the whole table agrees.

    Parameters
    ----------
    rows, other : array, shape (n, 4) and (m, 4)
        N, D, C and the loss, all positive.
    """
    # Half a unit of the last digit of the table that has fewer, and what the sum of two roundings may be beyond it.
    digits = min(_decimals(table[:, 3]) for table in (rows, other))
    points = cKDTree(np.log(other[:, :3]))
    near = points.query_ball_point(np.log(rows[:, :3]), SAME_POINT, p=np.inf)
    loss = rows[:, 3]
    far = np.array([np.abs(other[found, 3] - mine).min(initial=np.inf) for found, mine in zip(near, loss, strict=True)])
    same: Mask = far <= np.maximum(0.5001 * 10.0**-digits, SINGLE * loss)
    if not same.any():
        return Repeats(same, same)
    n_points = len(np.unique(rows[same, :3], axis=0))
    whole = bool(same.all()) and n_points >= WHOLE_POINTS and digits >= WHOLE_DECIMALS
    exact = bool((far[same] == 0).all())
    precise = digits >= PRECISE_DECIMALS and is_precise(loss[same])
    certain = whole or (precise and (exact or same.sum() >= SEVERAL))
    nothing = np.zeros_like(same)
    return Repeats(same, nothing) if certain else Repeats(nothing, same)


def is_precise(loss: Array) -> bool:
    """Whether the losses have more digits than two runs share by chance, in decimals and in bits."""
    # A float is an integer mantissa of 53 bits times a power of two, and m & −m is the mantissa's lowest set bit: what
    # lies above it are the bits that a value really uses. Rounding to half precision leaves at most 11 of them.
    mantissa = (np.frexp(loss)[0] * 2.0**53).astype(np.int64)
    bits = 53 - np.log2(mantissa & -mantissa).min()
    return bool(bits >= PRECISE_BITS and _decimals(loss) >= PRECISE_DECIMALS)


def _decimals(loss: Array) -> int:
    """Most digits behind the point among the losses."""
    return max(len(np.format_float_positional(value, trim="-").partition(".")[2]) for value in np.unique(loss))


def _all_repeat(frame: pd.DataFrame, later: Mask) -> bool:
    """Whether no point with several rows has two losses, and there are enough of them."""
    point = frame.groupby(POINT).loss.agg(["size", "nunique"])
    # Seeds differ somewhere: where every point with several rows has a single loss, rounding would have to hide them
    # all.
    several = point[point["size"] > 1]
    digits = _decimals(frame.loss.to_numpy()[later])
    return bool(len(several) >= WHOLE_POINTS and (several["nunique"] == 1).all() and digits >= WHOLE_DECIMALS)
