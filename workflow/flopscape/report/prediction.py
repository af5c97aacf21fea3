"""`prediction.md`: what a fit says of asked budgets and sizes, what was published beside it, and how far it reaches.

One page for whoever decides on a large run and has not read the report:

    flopscape predict results/quick/fits/vpnls.json --n-params 1e6 --out prediction.md
"""

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from flopscape.answers import outcomes
from flopscape.answers.compare import OPTIMA
from flopscape.answers.predict import predict, read_with_draws
from flopscape.answers.risk import risk
from flopscape.answers.sizes import SizePrediction, predict_sizes
from flopscape.errors import WarningKind, kind_of
from flopscape.figures.tables import read_backtest, read_validation
from flopscape.files.outputs import refuse_output, write_text
from flopscape.fitting.common.draws_file import draws_file, fit_name
from flopscape.records.backtest import Forecast, Outcome
from flopscape.records.fit_result import Estimate, FitResult, Prediction
from flopscape.records.stamps import of_prediction, text_of
from flopscape.report import markdown, summary
from flopscape.report.blocks import Block, Bullets, Grid, Paragraph, Report, Section
from flopscape.text import numbers

PUBLISHED = (
    "What published laws say where C = 6·N·D. They are of other data, other architectures, mostly far larger"
    " models and other ways of counting N, and stand here for a sense of the range; nothing is computed from them."
)
SAID_ABOVE: tuple[WarningKind, ...] = ("extrapolates", "outside sizes", "only a range", "open end")
"""Warnings that the page's paragraphs say themselves, of what is asked here."""
OTHER_UNIT = "No published numbers stand beside these, for they are of language models, and D counts {unit}s here."


def write_prediction(
    fit: str | Path,
    out: str | Path,
    flops: Sequence[float] = (),
    n_params: Sequence[float] = (),
    *,
    title: str = "",
    backtest: str | Path | None = None,
    validation: str | Path | None = None,
) -> None:
    """Write the page of a fit as Markdown.

    Parameters
    ----------
    fit : path
        FIT.json, with its draws beside it.
    out : path
        The page.
    flops : sequence of float, optional
        Budgets C in FLOPs; those that the fit was made for when left out.
    n_params : sequence of float, optional
        Sizes N; the two powers of ten from the largest trained size on when left out.
    title : str, optional
        The study's title.
    backtest : path, optional
        The table of `flopscape backtest` of this fit.
    validation : path, optional
        The table of `flopscape validate` of this fit.

    Raises
    ------
    FlopscapeError
        A file cannot be read or must not be written, or a number is not positive.
    """
    refuse_output(out, [fit, draws_file(fit), backtest, validation])
    stamp = text_of(of_prediction(fit, backtest, [title, list(flops), list(n_params)], validation))
    result, draws = read_with_draws(fit)
    tests = None if backtest is None else [line for line in read_backtest(backtest) if line.fit == fit_name(fit)]
    asked = flops or [at.flops for at in result.predictions]
    page = _refused(result, title)
    if result.status != "refused":
        budgets = predict(result, draws, asked)
        sizes = predict_sizes(result, draws, n_params or _decades(result))
        page = _page(result, fit_name(fit), title, budgets, sizes, tests)
        page = _with_outcomes(page, fit_name(fit), [] if validation is None else read_validation(validation))
    write_text(out, f"{markdown.render(page, Path(out).resolve().parent)}\n<!-- {stamp} -->\n")


def _with_outcomes(page: Report, name: str, lines: Sequence[Outcome]) -> Report:
    """The page with what came of earlier predictions, before the risk of the asked ones."""
    said = outcomes.sentences(name, outcomes.of_fit(lines, name))
    if not said:
        return page
    *before, risks, sources = page.sections
    section = Section("Whether its predictions held", [Bullets(said)])
    return replace(page, sections=[*before, section, risks, sources])


def _decades(result: FitResult) -> list[float]:
    """The two powers of ten from the largest trained size on: 10⁶ and 10⁷ after 300 k."""
    largest = result.sampled.n_params[1] if result.sampled else 1e9
    first = math.ceil(math.log10(largest) - 1e-9)
    return [10.0**first, 10.0 ** (first + 1)]


def _refused(result: FitResult, title: str) -> Report:
    words = f"These runs cannot answer: {result.reason}."
    return Report(_title(title), result.simulated, [Paragraph(words, True)])


def _title(title: str) -> str:
    return f"Prediction: {title}" if title else "Prediction"


def _page(
    result: FitResult,
    name: str,
    title: str,
    budgets: Sequence[Prediction],
    sizes: Sequence[SizePrediction],
    tests: Sequence[Forecast] | None,
) -> Report:
    first: list[Block] = [Paragraph(summary.sentence(at, result.unit, result.loss_unit), True) for at in budgets[:1]]
    of_text = result.unit == "token"
    reason = result.reason if tests is None else summary.reason(result)
    return Report(
        _title(title),
        result.simulated,
        [*first, Paragraph(f"The fit {name} is {result.status}: {reason}.")],
        [
            Section("How much data for a size", _of_sizes(result, sizes, of_text)),
            Section("How large a model for a budget", _of_budgets(result, budgets, of_text)),
            Section("Published laws", _of_published(result, budgets, sizes) if of_text else _none(result)),
            Section("How far this reaches", [Paragraph(text) for text in risk(result, budgets, sizes, tests)]),
            Section("Where the numbers are from", [Bullets([*_sources(result, name)])]),
        ],
    )


def sizes_head(unit: str = "token") -> list[str]:
    """Column titles of `size_row`."""
    return ["N, parameters", f"D*, {unit}s", "80 %", f"{unit}s per parameter", "C, FLOPs"]


def size_row(at: SizePrediction) -> list[str]:
    """The cells of one given size: N, D* with its 95 and its 80 % interval, D*/N, and the compute of that."""
    return [
        numbers.count(at.n_params),
        numbers.interval(at.n_tokens, numbers.count),
        numbers.bounds(Estimate(at.n_tokens.estimate, *at.likely), numbers.count),
        numbers.interval(at.tokens_per_param, numbers.ratio),
        numbers.interval(at.flops, numbers.flops),
    ]


def one_sided(at: SizePrediction, unit: str = "token") -> str:
    """What an interval says that is in effect one-sided; empty for any other."""
    if not at.one_sided:
        return ""
    other = "more" if at.one_sided == "at least" else "fewer"
    if at.bound is None:
        return f"For {numbers.count(at.n_params)} parameters these runs say neither a least nor a most D."
    return (
        f"In effect the interval of {numbers.count(at.n_params)} parameters is one-sided: {at.one_sided}"
        f" {numbers.count(at.bound)} {unit}s, by 90 % of the draws; how many {other} these runs do not say."
    )


def _of_sizes(result: FitResult, sizes: Sequence[SizePrediction], of_text: bool) -> list[Block]:
    """D*(N) and D*/N with intervals, and the published range of the latter."""
    head, rows = sizes_head(result.unit), [size_row(at) for at in sizes]
    if of_text:
        head, rows = (
            [*head, "published D/N"],
            [
                [*row, _range([law.tokens_per_param(at.n_params) for law in OPTIMA], numbers.ratio)]
                for row, at in zip(rows, sizes, strict=True)
            ],
        )
    note = f"D* is the number of {result.unit}s for which N is the compute-optimal size. Intervals are of 95 %."
    said = [text for at in sizes if (text := one_sided(at, result.unit))]
    return [Grid(head, rows, note), *([Bullets(said)] if said else [])]


def _of_budgets(result: FitResult, budgets: Sequence[Prediction], of_text: bool) -> list[Block]:
    head, rows = summary.head(result.unit, result.loss_unit), [summary.row(at) for at in budgets]
    if of_text:
        head, rows = (
            [*head, "published N*"],
            [
                [*row, _range([law.n_params(at.flops) for law in OPTIMA], numbers.count)]
                for row, at in zip(rows, budgets, strict=True)
            ],
        )
    return [Grid(head, rows, "The best size for a compute, its data and the loss to expect. Intervals are of 95 %.")]


def _range(values: Sequence[float], write: numbers.Writer) -> str:
    return f"{write(min(values))} to {write(max(values))}"


def _of_published(result: FitResult, budgets: Sequence[Prediction], sizes: Sequence[SizePrediction]) -> list[Block]:
    """A row a published law: D/N of the asked sizes and N* of the asked budgets."""
    of_sizes = [f"D/N at {numbers.count(at.n_params)}" for at in sizes]
    of_budgets = [f"N* at {numbers.flops(at.flops)} FLOPs" for at in budgets]
    rows = [
        [
            law.name,
            *(numbers.ratio(law.tokens_per_param(at.n_params)) for at in sizes),
            *(numbers.count(law.n_params(at.flops)) for at in budgets),
            law.source,
        ]
        for law in OPTIMA
    ]
    return [Grid(["law", *of_sizes, *of_budgets, "source"], rows, PUBLISHED)]


def _none(result: FitResult) -> list[Block]:
    return [Paragraph(OTHER_UNIT.format(unit=result.unit))]


def _sources(result: FitResult, name: str) -> list[str]:
    made = result.made_from.get("command")
    return [
        f"Fit {name}: method {result.method}, {numbers.plural(result.n_rows, 'row')} of"
        f" {numbers.plural(result.n_runs, 'run')}; {result.interval}.",
        *(f"Left out: {exclusion.words}." for exclusion in result.excluded),
        *(f"{text[:1].upper()}{text[1:].rstrip('.')}." for text in result.warnings if kind_of(text) not in SAID_ABOVE),
        *([f"Made by: {made}"] if made else []),
    ]
