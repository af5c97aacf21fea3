"""The report of a study as plain data: what it says, in which order."""

from collections.abc import Mapping

from flopscape.records.fit_result import FitResult, WarningKind, kind_of
from flopscape.report import appendix, backtest, checklist, comparison, guide, summary, twin
from flopscape.report.appendix import sentence
from flopscape.report.blocks import Block, Bullets, Grid, Paragraph, Picture, Report, Section
from flopscape.report.comparison import parameters
from flopscape.report.doubts import doubts
from flopscape.report.evidence import Evidence
from flopscape.text import numbers

ELSEWHERE: tuple[WarningKind, ...] = ("extrapolates", "budget left out")
"""Kinds of fits' warnings that "What to distrust" and "What was left out" say for all fits."""
ELSEWHERE_OF_RECOMMENDED: tuple[WarningKind, ...] = ("outside sizes",)
"""The same for the recommended fit alone, whose predictions "What to distrust" examines."""


def build(evidence: Evidence) -> Report:
    """All of the report; sections without content are left out."""
    sections = [
        Section("Recommendation", _recommendation(evidence)),
        Section("What to distrust", [Bullets(sentences)] if (sentences := doubts(evidence)) else []),
        Section("Fits", _fits(evidence)),
        Section("What the answer rests on", comparison.sensitivity(evidence)),
        Section("How hidden budgets were predicted", backtest.blocks(evidence.backtest)),
        Section("Which method to trust on this sweep", twin.blocks(evidence.twin)),
        Section("Which approach fits this design", guide.blocks(evidence.guide)),
        Section("Figures", [Picture(n, p, evidence.captions.get(n, "")) for n, p in evidence.figures.items()]),
        Section("What was run", appendix.runs(evidence)),
        Section("What was left out", appendix.left_out(evidence)),
        Section("Data", appendix.data(evidence)),
        Section("Conventions", appendix.conventions(evidence)),
        Section("Reporting checklist", checklist.blocks(evidence.checklist)),
        Section("How to recompute", appendix.commands(evidence)),
        Section("Versions and hardware", appendix.environment(evidence)),
    ]
    filled = [section for section in sections if section.blocks]
    return Report(evidence.title, evidence.simulated, _answer(evidence), filled, evidence.made_from)


def _answer(evidence: Evidence) -> list[Block]:
    """The first thing a reader sees: the answer, or why there is none."""
    fit = evidence.fit
    if fit.status == "refused":
        others = [name for name, other in evidence.fits.items() if other.status in ("ok", "weak")]
        hint = f" {', '.join(others)} gave an answer: set recommend.fit to see it." if others else ""
        return [Paragraph(f"No recommendation: {evidence.recommended} refused: {sentence(fit.reason)}{hint}", True)]
    unit, loss_unit = evidence.unit, evidence.loss_unit
    blocks: list[Block] = [Paragraph(summary.sentence(p, unit, loss_unit), True) for p in fit.predictions[:1]]
    if fit.status != "ok":
        words = f"Status {fit.status}, {summary.STATUS_WORDS[fit.status]}: {sentence(fit.reason)}"
        blocks.append(Paragraph(words, True))
    return blocks


def _recommendation(evidence: Evidence) -> list[Block]:
    rows = summary.recommendation(evidence.fit)
    if not rows:
        return []
    note = f"From {evidence.recommended}; 95 % intervals: {evidence.fit.interval or 'none'}."
    band = comparison.near_optimal(evidence.fit.predictions)
    return [Grid(summary.head(evidence.unit, evidence.loss_unit), rows, note), *band, *_comparison(evidence)]


def _comparison(evidence: Evidence) -> list[Block]:
    """The other fits at the same budgets."""
    rows = [
        [name, *row]
        for name, fit in evidence.fits.items()
        if name != evidence.recommended
        for row in summary.recommendation(fit)
    ]
    return [Grid(["fit", *summary.head(evidence.unit, evidence.loss_unit)], rows, "For comparison.")] if rows else []


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
        f"{name} {'refused' if fit.status == 'refused' else 'is ' + fit.status}:"
        f" {sentence(fit.reason or summary.STATUS_WORDS[fit.status])}"
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
