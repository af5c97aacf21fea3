"""How numbers are written."""

import math

import pytest

from flopscape.records.fit_result import Estimate
from flopscape.text import numbers


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"), (812, "812"), (19_812, "19.8 k"), (452_000, "452 k"), (999_960, "1.00 M"), (1.2e9, "1.20 B"),
        (15e12, "15.0 T"), (3e15, "3×10¹⁵"), (22.54, "22.5"), (26.99, "27.0"), (0.5, "0.500"), (1e-5, "10⁻⁵"),
        (None, "–"), (math.nan, "–"), (math.inf, "inf"), (-4e4, "-40.0 k"),
    ],
)  # fmt: skip
def test_counts(value: float | None, text: str) -> None:
    assert numbers.count(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(3e10, "3×10¹⁰"), (1e18, "10¹⁸"), (1.52e22, "1.52×10²²"), (9.999e20, "10²¹"), (0, "0"), (600, "600"), (None, "–")],
)
def test_flops(value: float | None, text: str) -> None:
    assert numbers.flops(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0 B"), (812, "812 B"), (999.7, "1.00 kB"), (14_000_000, "14.0 MB"), (999_960_000, "1.00 GB"),
        (73.4e9, "73.4 GB"), (2.5e12, "2.50 TB"), (3e15, "3×10¹⁵ B"), (math.inf, "inf B"), (None, "–"), (math.nan, "–"),
    ],
)  # fmt: skip
def test_bytes(value: float | None, text: str) -> None:
    assert numbers.storage(value) == text


@pytest.mark.parametrize(("value", "text"), [(1.3599, "1.360"), (0.0954, "0.0954"), (0.00012, "1.2×10⁻⁴"), (None, "–")])
def test_losses(value: float | None, text: str) -> None:
    assert numbers.loss(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.03, "0.030 s"), (42, "42 s"), (59.7, "1 min 00 s"), (400, "6 min 40 s"), (3599.8, "1 h 00 min"),
        (11_100, "3 h 05 min"), (1_051_200, "12 d 4 h"), (None, "–"),
    ],
)  # fmt: skip
def test_durations(value: float | None, text: str) -> None:
    assert numbers.duration(value) == text


@pytest.mark.parametrize(
    ("value", "text"), [(0.0, "$0.00"), (0.004, "< $0.01"), (12.5, "$12.50"), (48211.3, "$48,211")]
)
def test_money(value: float, text: str) -> None:
    assert numbers.money(value) == text


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (Estimate(19_812, 17_100, 23_000), "19.8 k [17.1 k, 23.0 k]"),
        (Estimate(19_812, 17_100, None), "19.8 k [17.1 k, ∞]"),
        (Estimate(19_812, None, 23_000), "19.8 k [0, 23.0 k]"),
        (Estimate(19_812), "19.8 k (no interval)"),
        (Estimate(19_812, 19_812, 19_812.0000001), "19.8 k"),
        (None, "–"),
    ],
)
def test_an_estimate_never_stands_without_its_interval(number: Estimate | None, text: str) -> None:
    assert numbers.interval(number, numbers.count) == text


def test_an_open_lower_end_of_an_exponent_alone_is_below_zero() -> None:
    open_end = Estimate(0.5, None, 0.7)
    written = [numbers.bounds(open_end, write) for write in (numbers.loss, numbers.ratio, numbers.flops)]
    assert written == ["[0, 0.700]", "[0, 0.700]", "[0, 0.7]"]
    assert numbers.bounds(open_end, numbers.exponent) == "[−∞, 0.700]"
