"""The report of a study as plain data: what it says, in which order."""

import math
from collections.abc import Mapping
from dataclasses import replace

from flopscape.errors import WarningKind, kind_of
from flopscape.records.fit_result import FitResult
from flopscape.report import (
    appendix,
    backtest,
    checklist,
    comparison,
    forecast,
    guide,
    isoflop_chart,
    others,
    outcome,
    run_table,
    summary,
    tasks,
    twin,
)
from flopscape.report.agreement import agreement
from flopscape.report.appendix import sentence
from flopscape.report.blocks import Block, Bullets, Grid, Paragraph, Picture, Report, Section
from flopscape.report.checks import first_prediction, unit
from flopscape.report.comparison import parameters
from flopscape.report.doubts import MOST, doubts
from flopscape.report.doubts_of_checks import Doubt
from flopscape.report.evidence import Evidence
from flopscape.text import numbers

ELSEWHERE: tuple[WarningKind, ...] = ("extrapolates", "budget left out")
"""Kinds of fits' warnings that "What to distrust" and "What was left out" say for all fits."""
ELSEWHERE_OF_RECOMMENDED: tuple[WarningKind, ...] = ("outside sizes", "prior-dominated", "open end")
"""The same for the recommended fit alone, whose predictions the headline and "What to distrust" examine."""


def build(evidence: Evidence) -> Report:
    """All of the report; sections without content are left out.

    What a reader needs to act stands open; what it rests on is folded by what one would look for.
    """
    found = doubts(evidence)
    sections = [
        Section("Recommendation", _recommendation(evidence)),
        Section("Prediction against outcome", outcome.blocks(evidence)),
        Section(tasks.TITLE, tasks.blocks(evidence.tasks)),
        Section("What to distrust", _doubts(evidence, found[:MOST])),
        *(
            replace(section, group=group)
            for group, members in _folded(evidence, found[MOST:]).items()
            for section in members
        ),
    ]
    filled = [section for section in sections if section.blocks]
    answer = [*_answer(evidence), *isoflop_chart.blocks(evidence)]
    return Report(evidence.title, evidence.simulated, answer, filled, evidence.made_from)


def _folded(evidence: Evidence, further: list[Doubt]) -> Mapping[str, list[Section]]:
    """What the answer rests on, in groups by what one would look for."""
    borne = outcome.verdict(evidence)
    return {
        "Figures": [
            Section("Figures", [Picture(n, p, evidence.captions.get(n, "")) for n, p in evidence.figures.items()]),
            Section("How to read the figures", _bullets(list(evidence.explanations))),
        ],
        "Fits": [
            Section("Fits", _fits(evidence)),
            Section("What others would have told you", others.others(evidence)),
            Section("Other metrics", others.of_other_metrics(evidence)),
        ],
        "What the answer rests on": [
            Section("Whether the checks agree", _bullets(agreement(evidence))),
            Section("What the answer rests on", comparison.sensitivity(evidence)),
            Section("Which approach fits this design", guide.blocks(evidence.guide)),
            Section("Further doubts", _bullets([doubt.sentence for doubt in further])),
        ],
        "Tests of the methods": [
            Section("How hidden budgets were predicted", [*backtest.blocks(evidence.backtest), *borne]),
            Section("How methods do on simulated copies", [*twin.blocks(evidence.twin), *borne]),
        ],
        "Runs": [
            Section("What happened to the forecast", forecast.blocks(evidence)),
            Section("What was run", appendix.runs(evidence)),
            Section("What was left out", appendix.left_out(evidence)),
            Section("Every run", run_table.blocks(evidence)),
        ],
        "Data and conventions": [
            Section("Data", appendix.data(evidence)),
            Section("Conventions", appendix.conventions(evidence)),
            Section("Reporting checklist", checklist.blocks(evidence.checklist)),
        ],
        "How to make it again": [
            Section("How to recompute", appendix.commands(evidence)),
            Section("Files", run_table.files(evidence)),
            Section("Versions and hardware", appendix.environment(evidence)),
        ],
    }


def _bullets(items: list[str]) -> list[Block]:
    return [Bullets(items)] if items else []


def _doubts(evidence: Evidence, found: list[Doubt]) -> list[Block]:
    """The gravest doubts, and what their numbers mean."""
    if not found:
        return []
    first = first_prediction(evidence)
    at = f" at {numbers.flops(first.flops)} FLOPs" if first else ""
    half = ""
    if first and first.n_params:
        # Of N* a half-width is a factor, for sizes are measured in logarithms.
        is_bare = first.n_params.low is first.n_params.high is None
        given = "for it has none, one is taken as" if is_bare else "one is"
        half = f" ({given} a factor {numbers.ratio(math.exp(unit(evidence)))} in N*)"
    note = f"Ranked by what each could do to the answer{at}, in half-widths of its 95 % interval{half}."
    return [Paragraph(note), Bullets([doubt.sentence for doubt in found])]


def _answer(evidence: Evidence) -> list[Block]:
    """The first thing a reader sees: the answer, or why there is none, and what is not shown."""
    fit = evidence.fit
    missing = _bullets(list(evidence.not_shown))
    if fit.status == "refused":
        usable = [name for name, other in evidence.fits.items() if other.status in ("ok", "weak")]
        hint = f" {', '.join(usable)} gave an answer: set recommend.fit to see it." if usable else ""
        refusal = f"No recommendation: {evidence.recommended} refused: {sentence(fit.reason)}{hint}"
        return [Paragraph(refusal, True), *missing]
    said = summary.headline(fit, evidence.unit, evidence.loss_unit)
    answer = [Paragraph(text, i == 0 or text.startswith("Status ")) for i, text in enumerate(said)]
    return [*answer, *outcome.warning(evidence), *missing]


def _recommendation(evidence: Evidence) -> list[Block]:
    rows = summary.recommendation(evidence.fit)
    if not rows:
        return []
    # The intervals of the method `answer` say in their name that they are of 95 %.
    made = evidence.fit.interval.removeprefix("95 % of ") or "none"
    note = f"From the fit {evidence.recommended}; 95 % intervals: {made}."
    band = comparison.near_optimal(evidence.fit.predictions)
    return [Grid(summary.head(evidence.unit, evidence.loss_unit), rows, note), *band]


def _fits(evidence: Evidence) -> list[Block]:
    """Status, exponents and parameters of every fit, and its warnings in words."""
    # Without an answer, other fits' exponents would be taken for one.
    shown = evidence.fits if evidence.fit.status != "refused" else {}
    exponents = [[name, *_exponents(fit)] for name, fit in shown.items() if fit.exponents and fit.status != "refused"]
    blocks: list[Block] = [
        Grid(["fit", "status", "method", "objective", "runs"], [*map(_status, *_pairs(evidence.fits))])
    ]
    if exponents:
        blocks.append(Grid(["fit", "a in N* ∝ C^a", "b in D* ∝ C^b"], exponents))
    blocks += others.at_other_budgets(evidence)
    blocks += parameters(shown, evidence.formulas, evidence.loss_unit)
    blocks += [*comparison.goodness(shown, evidence.loss_unit), *([comparison.published()] if exponents else [])]
    return [*blocks, *(Bullets(items) for items in (_verdicts(evidence), _warnings(evidence)) if items)]


def _pairs(fits: Mapping[str, FitResult]) -> tuple[list[str], list[FitResult]]:
    return list(fits), list(fits.values())


def _status(name: str, fit: FitResult) -> list[str]:
    return [name, fit.status, fit.method, fit.objective, str(fit.n_runs)]


def _exponents(fit: FitResult) -> list[str]:
    return [numbers.interval((fit.exponents or {}).get(name), numbers.exponent) for name in ("a", "b")]


def _verdicts(evidence: Evidence) -> list[str]:
    """Each fit's status as a sentence."""
    return [
        f"{name} {'refused' if fit.status == 'refused' else 'is ' + fit.status}: {sentence(summary.reason(fit))}"
        for name, fit in evidence.fits.items()
    ]


def _warnings(evidence: Evidence) -> list[str]:
    """The fits' warnings, each once with the fits that gave it, less what other sections say."""
    fits_of: dict[str, list[str]] = {}
    for name, fit in evidence.fits.items():
        elsewhere = ELSEWHERE + (ELSEWHERE_OF_RECOMMENDED if name == evidence.recommended else ())
        for warning in fit.warnings:
            if kind_of(warning) not in elsewhere:
                fits_of.setdefault(warning, []).append(name)
    return [f"{', '.join(names)}: {sentence(warning)}" for warning, names in fits_of.items()]
