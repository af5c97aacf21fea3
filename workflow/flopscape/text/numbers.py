"""How numbers are written, in figures, reports, price tables and on the terminal. Imports only the standard library."""

import math
from collections.abc import Callable, Sequence
from typing import Protocol

SUFFIXES = ((1e12, " T"), (1e9, " B"), (1e6, " M"), (1e3, " k"), (1.0, ""))
BYTES = ((1e12, " TB"), (1e9, " GB"), (1e6, " MB"), (1e3, " kB"), (1.0, " B"))
SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
NOTHING = "–"
EXACT = 1e-6
"""Error of a logarithm below which there is only rounding, and where searches stop."""
Writer = Callable[[float | None], str]


class HasInterval(Protocol):
    """Anything with an estimate and the two ends of its interval, such as records.Estimate."""

    estimate: float
    low: float | None
    high: float | None


def count(value: float | None, digits: int = 3, trim: bool = False) -> str:
    """Parameters, tokens, images, runs: 812, 19.8 k, 1.20 B; beyond 10¹⁵ as a power of ten.

    `trim` drops trailing zeros, for axis ticks: 20 k and not 20.0 k.

    >>> count(19_800), count(812), count(1.2e9), count(None), count(20_000, trim=True)
    ('19.8 k', '812', '1.20 B', '–', '20 k')
    """
    if value is None or math.isnan(value):
        return NOTHING
    whole = value == round(value) if math.isfinite(value) else False
    # Rounded before the suffix is chosen, or 999,960 would be written 1000 k.
    value = _rounded(value, digits)
    if value != 0 and not 1e-2 <= abs(value) < 1e15:  # infinities too
        return power_of_ten(value, digits)
    if whole and abs(value) < 1e3:
        return str(int(value))
    return _with_suffix(value, SUFFIXES, digits, trim)


def whole(value: float | str) -> str:
    """A whole number that a table may hold as a float, such as a seed; anything else as it stands.

    >>> whole(3.0), whole("a")
    ('3', 'a')
    """
    return f"{value:.15g}" if isinstance(value, float) else str(value)


def storage(value: float | None) -> str:
    """Bytes of memory or of a disk: 812 B, 14.0 MB, 1.23 GB; a GB is 10⁹ bytes, as in Snakemake's resources.

    >>> storage(14e6), storage(999.96e6), storage(812), storage(None)
    ('14.0 MB', '1.00 GB', '812 B', '–')
    """
    if value is None or math.isnan(value):
        return NOTHING
    value = _rounded(value, 3)
    if not value < 1e15:
        return f"{power_of_ten(value)} B"
    return f"{value:.0f} B" if value < 1e3 else _with_suffix(value, BYTES, 3)


def power_of_ten(value: float | None, digits: int = 3) -> str:
    """Write FLOPs and other wide-ranging numbers as a mantissa and a power of ten.

    >>> power_of_ten(3e10), power_of_ten(1.52e22), power_of_ten(1e18)
    ('3×10¹⁰', '1.52×10²²', '10¹⁸')
    """
    if value is None or math.isnan(value):
        return NOTHING
    if value == 0 or 1e-2 <= abs(value) < 1e4 or math.isinf(value):
        return f"{value:.{digits}g}"
    mantissa, _, exponent = f"{value:.{digits - 1}e}".partition("e")
    mantissa = mantissa.rstrip("0").rstrip(".") if "." in mantissa else mantissa
    power = f"10{str(int(exponent)).translate(SUPERSCRIPTS)}"
    # A mantissa of one is left out: 10¹⁸ and not 1×10¹⁸.
    return {"1": power, "-1": f"-{power}"}.get(mantissa, f"{mantissa}×{power}")


def flops(value: float | None) -> str:
    """Write training compute, without its unit."""
    return power_of_ten(value)


def loss(value: float | None) -> str:
    """Nats per unit: three decimals, more where the loss itself is small.

    >>> loss(2.34567), loss(0.01234)
    ('2.346', '0.0123')
    """
    if value is None or math.isnan(value):
        return NOTHING
    if value == 0 or abs(value) >= 0.1:
        return f"{value:.3f}"
    return _significant(value, 3) if abs(value) >= 1e-3 else power_of_ten(value)


def exponent(value: float | None) -> str:
    """Write an exponent of a power law, with three decimals."""
    return NOTHING if value is None or math.isnan(value) else f"{value:.3f}"


def ratio(value: float | None) -> str:
    """Tokens per parameter, a factor, a number of epochs: 19.8, 3,800, 1.20 M.

    >>> ratio(19.84), ratio(3_800.4), ratio(1.2e6), ratio(None)
    ('19.8', '3,800', '1.20 M', '–')
    """
    if value is not None and 1e3 <= _rounded(value, 3) < 1e6:
        return f"{_rounded(value, 3):,.0f}"
    return count(value)


def percent(share: float) -> str:
    """Write a share as a percentage, with three digits."""
    return f"{_significant(100 * share, 3, trim=True)} %"


def log_error(error: float | None, deviation: float | None = None, signed: bool = False) -> str:
    """An error of a logarithm as that of the value, with its standard error if given; or `exact`.

    A quantity whose logarithm is off by ε is off by the factor exp(ε), and d exp(ε) = exp(ε)·dε gives the error's own.

    >>> log_error(0.05), log_error(0.05, 0.01), log_error(1.0), log_error(1e-9)
    ('5.1 %', '5.1 ± 1 %', '170 %', 'exact')
    """
    if error is None or math.isnan(error):
        return NOTHING
    if abs(error) < EXACT:
        return "exact"
    spread = ""
    if deviation and deviation > EXACT:
        spread = f" ± {_rounded(100 * math.exp(error) * deviation, 1):g}"
    return f"{_rounded(100 * math.expm1(error), 2):{'+g' if signed else 'g'}}{spread} %"


def money(usd: float | None) -> str:
    """Write US dollars; cents are dropped from 1,000 on."""
    if usd is None or math.isnan(usd):
        return NOTHING
    if 0 < usd < 0.01:
        return "< $0.01"
    return f"${usd:,.0f}" if usd >= 1000 else f"${usd:.2f}"


def duration(seconds: float | None) -> str:
    """Write wall-clock or processor time in the two largest units that it fills.

    >>> duration(42), duration(400), duration(11_100), duration(1_051_200)
    ('42 s', '6 min 40 s', '3 h 05 min', '12 d 4 h')
    """
    if seconds is None or math.isnan(seconds):
        return NOTHING
    if seconds < 10:
        return f"{_significant(seconds, 2)} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    if whole < 86400:
        return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
    return f"{whole // 86400} d {whole % 86400 // 3600} h"


def hours(value: float | None) -> str:
    """Write CPU-hours or GPU-hours."""
    return f"{count(value)} h" if value is not None and not math.isnan(value) else NOTHING


def interval(number: HasInterval | None, write: Writer) -> str:
    """An estimate with its 95 % interval: 19.8 k [17.1 k, 23.0 k]; a missing interval is said, not hidden.

    A number that was given, and so is the same in every draw, stands alone.
    """
    if number is None:
        return NOTHING
    if _is_without_width(number):
        return write(number.estimate)
    if number.low is None and number.high is None:
        return f"{write(number.estimate)} (no interval)"
    return f"{write(number.estimate)} {bounds(number, write)}"


def bounds(number: HasInterval, write: Writer) -> str:
    """The interval alone: [17.1 k, 23.0 k]; an open upper end is written ∞.

    An open lower end is 0, below which no size, data, compute or loss can lie; an exponent can, and has −∞.
    """
    least = "−∞" if write is exponent else "0"
    low = least if number.low is None else write(number.low)
    high = "∞" if number.high is None else write(number.high)
    return f"[{low}, {high}]"


def _is_without_width(number: HasInterval) -> bool:
    """Whether both ends are the estimate, but for rounding."""
    ends = (number.low, number.high)
    return all(end is not None and math.isclose(end, number.estimate, rel_tol=1e-9, abs_tol=1e-12) for end in ends)


def plural(number: int, noun: str) -> str:
    """Write a number of things, with an s where it is not one.

    >>> plural(1, "run"), plural(2000, "run"), plural(5, "loss")
    ('1 run', '2,000 runs', '5 losses')
    """
    end = "" if number == 1 else "es" if noun.endswith("s") else "s"
    return f"{number:,} {noun}{end}"


def _with_suffix(value: float, suffixes: Sequence[tuple[float, str]], digits: int, trim: bool = False) -> str:
    """A number that is rounded already, over the largest unit that it fills, or the smallest."""
    scale, suffix = next((pair for pair in suffixes if abs(value) >= pair[0]), suffixes[-1])
    return _significant(value / scale, digits, trim) + suffix


def _rounded(value: float, digits: int) -> float:
    """To significant digits, so that 999.96 k is written 1.00 M."""
    return float(f"{value:.{digits - 1}e}") if math.isfinite(value) else value


def _significant(value: float, digits: int, trim: bool = False) -> str:
    if value == 0 or not math.isfinite(value):
        return f"{value:g}"
    # Digits before the point are one more than the power of ten, and the rest of the digits stand behind it.
    decimals = max(0, digits - 1 - math.floor(math.log10(abs(value))))
    text = f"{value:.{decimals}f}"
    return text.rstrip("0").rstrip(".") if trim and "." in text else text
