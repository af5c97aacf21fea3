"""The page of the atlas, built from the lines of atlas.csv: claims and refits as a picture, few words, one table."""

import math
from collections.abc import Callable, Sequence
from typing import Any

from matplotlib.ticker import MaxNLocator

from flopscape.atlas.rows import SKIPPED
from flopscape.figures.style import log_ticks, tick_count
from flopscape.records.fit_result import Estimate
from flopscape.report.blocks import Axis, Block, Bullets, Dot, DotRow, Dots, Grid, Paragraph, Report, Section
from flopscape.text import numbers

TITLE = "Atlas: what was published of scaling laws, and what the same tables say when they are fitted again"
Line = dict[str, Any]
"""A line of atlas.csv, with None for an empty cell."""
Place = Callable[[float], float]
MARGIN, WIDTH = 3.0, 94.0
"""Per cent of an axis that are left free on its left, and that are used."""
TICKS = 3
FARTHEST = 3.0
"""An interval reaches beyond the axis where it is wider than this many times the spread of the numbers."""
LEGEND = (
    "Diamonds are what was published, with the interval that was printed, if any; dots are our refits of the same rows"
    " with their 95 % intervals, hollow where the fit calls itself weak. The broken line is the first claim. Lines that"
    " reach an edge go on beyond it."
)
HEAD = [
    *("fit", "table", "rows", "status", "a, 95 %", "a claimed", "drift", "N* at C", "N* claimed", "drift"),
    *("N* held", "L* held", "error of N*", "claim"),
]
NOTE = (
    "drift: the refit less the claim, in per cent of the claim and, after the stroke, in units of the refit's own"
    " interval: beyond 1 the claim lies outside. held: of the largest budgets, hidden and predicted by refits of the"
    " rest, those that the 95 % intervals hold; error: root mean square. All numbers, E, A, B, α and β with their"
    " claims among them, are in atlas.csv."
)


def build(lines: Sequence[Line]) -> Report:
    """The page as plain data."""
    fitted = [line for line in lines if line["status"] != SKIPPED]
    tables = dict.fromkeys(line["table"] for line in fitted)
    notes = [LEGEND, *[""] * len(tables)]
    pictures = [
        _picture([line for line in fitted if line["table"] == name], note)
        for name, note in zip(tables, notes, strict=False)
    ]
    answer: list[Block] = [Paragraph(_summary(fitted), True), *pictures]
    sections = [
        Section("Skipped", _skipped(lines)),
        Section("Where the claims are printed", _sources(fitted)),
        Section("Published recipes among them", _recipes(fitted)),
        Section(
            "Every fit", [Grid(HEAD, [_cells(line, _rows(line, fitted)) for line in fitted], NOTE)] if fitted else []
        ),
    ]
    return Report(TITLE, False, answer, [section for section in sections if section.blocks])


def _summary(fitted: Sequence[Line]) -> str:
    """How many refits hold their claim, the farthest, and how their intervals did on hidden budgets."""
    if not fitted:
        return "No published table is here, so that nothing was fitted; what each needs stands below."
    judged = [line for line in fitted if line["drift_a_intervals"] is not None]
    held = sum(abs(line["drift_a_intervals"]) <= 1 for line in judged)
    far = max(judged, key=lambda line: abs(line["drift_a_intervals"]), default=None)
    said = [
        f"Of {numbers.plural(len(judged), 'refit')} with an interval {held} hold the published exponent a inside it."
    ]
    if far:
        said.append(
            f"The farthest is {far['fit']} on {far['title']} ({far['rows']}): a = {far['a']:.3f} where {far['claim']}"
            f" say {far['claim_a']:.3g}."
        )
    answers = [line for line in fitted if line["method"] == "answer"]
    others = [line for line in fitted if line["method"] != "answer"]
    of_answers, of_others = _held_of_hidden(answers), _held_of_hidden(others)
    if of_answers:
        said.append(f"Of budgets hidden from it the answer's 95 % intervals hold {of_answers}.")
    if of_others:
        whose = "other fits" if of_answers else "fits"
        said.append(f"Of budgets hidden from them the 95 % intervals of the {whose} hold {of_others}.")
    return " ".join(said)


def _held_of_hidden(lines: Sequence[Line]) -> str:
    """How many of the optima at hidden budgets the intervals of some fits hold, or nothing where none was hidden."""
    hidden = sum(line["hidden"] or 0 for line in lines)
    if not hidden:
        return ""
    shares = [sum(line[f"held_{name}"] or 0 for line in lines) / hidden for name in ("n_params", "loss")]
    n_params, loss = (numbers.percent(round(share, 3)) for share in shares)
    return f"{n_params} of N* and {loss} of L*"


def _picture(lines: Sequence[Line], note: str) -> Dots:
    """Claims and refits of one table's first choice of rows, by a and by N*."""
    shown = [line for line in lines if (line["rows"], line["convention"]) == (lines[0]["rows"], lines[0]["convention"])]
    claims = {line["claim"]: line for line in shown}
    of_a = _axis("exponent a of N* ∝ Cᵃ", "a", shown, log=False)
    of_n = _axis(f"N* at C = {numbers.flops(lines[0]['flops'])}", "n_params", shown, log=True)
    axes, places = [of_a[0], of_n[0]], [of_a[1], of_n[1]]
    rows = [_row(name, "claim", line, "claim_", places) for name, line in claims.items()]
    rows += [_row(_name(line), _look(line), line, "", places) for line in shown]
    return Dots(f"{lines[0]['title']}: {lines[0]['rows']} ({lines[0]['n_rows']})", axes, rows, note)


def _name(line: Line) -> str:
    return f"{line['fit']}, {line['status']}" if line["status"] != "ok" else str(line["fit"])


def _look(line: Line) -> Any:
    return "sure" if line["status"] == "ok" else "doubtful"


def _row(name: str, look: Any, line: Line, prefix: str, places: Sequence[Place]) -> DotRow:
    writers = (numbers.exponent, numbers.count)
    columns = (f"{prefix}a", f"{prefix}n_params")
    return DotRow(name, look, [_dot(line, *each) for each in zip(columns, places, writers, strict=True)])


def _dot(line: Line, column: str, place: Place, write: Callable[[float | None], str]) -> Dot:
    value, low, high = (line[name] for name in (column, f"{column}_low", f"{column}_high"))
    is_claim = column.startswith("claim")
    if value is None:
        return Dot(line["reason"] if column == "a" else numbers.NOTHING)
    ends = (0.0 if low is None else place(low), 100.0 if high is None else place(high))
    has_interval = low is not None or high is not None
    text = write(value) if is_claim and not has_interval else numbers.interval(Estimate(value, low, high), write)
    return Dot(text, place(value), *(ends if has_interval else (None, None)))


def _axis(title: str, column: str, lines: Sequence[Line], log: bool) -> tuple[Axis, Place]:
    """An axis over the numbers of claims and refits and their intervals, as far as those are not very wide."""
    scale = math.log if log else float
    centres = [scale(v) for line in lines for v in (line[column], line[f"claim_{column}"]) if v]
    ends = [scale(v) for line in lines for end in ("low", "high") if (v := line[f"{column}_{end}"])]
    if not centres:
        return Axis(title, []), lambda value: 50.0
    spread = (max(centres) - min(centres)) or 0.1
    low = max(min([*centres, *ends]), min(centres) - FARTHEST * spread)
    high = min(max([*centres, *ends]), max(centres) + FARTHEST * spread)
    high = high if high > low else low + spread

    def place(value: float) -> float:
        along = (scale(value) - low) / (high - low) if value > 0 else -math.inf
        return round(min(100.0, max(0.0, MARGIN + WIDTH * along)), 2)

    if log:
        ticks = [(place(tick), tick_count(tick)) for tick in log_ticks(math.exp(low), math.exp(high), TICKS)]
    else:
        ticks = [(place(t), f"{t:.3g}") for t in MaxNLocator(TICKS).tick_values(low, high) if low <= t <= high]
    return Axis(title, ticks), place


def _skipped(lines: Sequence[Line]) -> list[Block]:
    """A sentence for each table that is not here, with what was claimed of it, and for each fit that was not made."""
    skipped = [line for line in lines if line["status"] == SKIPPED]
    told = {
        f"{line['title']} ({line['claim']}{_said(line)}; {line['claim_source']}): {line['reason']}.": None
        for line in skipped
    }
    return [Bullets([*told])] if told else []


def _said(line: Line) -> str:
    return f", a = {line['claim_a']:.3g}" if line["claim_a"] is not None else ""


def _sources(fitted: Sequence[Line]) -> list[Block]:
    """The place of each claim in its paper, and what its intervals are."""
    told = {f"{line['claim']}: {line['claim_source']}{_level(line)}.": None for line in fitted if line["claim_source"]}
    return [Bullets([*told])] if told else []


def _level(line: Line) -> str:
    return f"; intervals: {line['claim_level']}" if line["claim_level"] else ""


def _recipes(fitted: Sequence[Line]) -> list[Block]:
    """Which fits are whose recipe, and in what they differ."""
    told = {f"{line['fit']}: {line['recipe']}.": None for line in fitted if line["recipe"]}
    return [Bullets([*told])] if told else []


def _rows(line: Line, fitted: Sequence[Line]) -> str:
    """The choice of rows, and where a table is fitted with C counted in several ways, which of them."""
    several = len({other["convention"] for other in fitted if other["table"] == line["table"]}) > 1
    return f"{line['rows']}, {line['convention'].partition(';')[0]}" if several else str(line["rows"])


def _cells(line: Line, rows: str) -> list[str]:
    """A line of the page's table."""
    return [
        *(str(line["fit"]), str(line["title"]), rows, str(line["status"])),
        _interval(line, "a", numbers.exponent),
        _value(line["claim_a"], numbers.exponent),
        _drift(line, "a"),
        _interval(line, "n_params", numbers.count),
        _value(line["claim_n_params"], numbers.count),
        _drift(line, "n_params"),
        _held(line, "n_params"),
        _held(line, "loss"),
        numbers.log_error(line["error_log_n_params"]),
        str(line["claim"]),
    ]


def _interval(line: Line, name: str, write: numbers.Writer) -> str:
    value = line[name]
    return numbers.NOTHING if value is None else numbers.interval(_estimate(line, name), write)


def _estimate(line: Line, name: str) -> Estimate:
    return Estimate(line[name], line[f"{name}_low"], line[f"{name}_high"])


def _value(value: float | None, write: numbers.Writer) -> str:
    return numbers.NOTHING if value is None else write(value)


def _drift(line: Line, name: str) -> str:
    """The drift in per cent, and in units of the interval where there is one: +8.6 % / 0.99."""
    per_cent, intervals = line[f"drift_{name}_percent"], line[f"drift_{name}_intervals"]
    if per_cent is None:
        return numbers.NOTHING
    return f"{per_cent:+.2g} %" + (f" / {intervals:+.2g}" if intervals is not None else "")


def _held(line: Line, name: str) -> str:
    return f"{line[f'held_{name}']:.0f} of {line['hidden']:.0f}" if line["hidden"] else numbers.NOTHING
