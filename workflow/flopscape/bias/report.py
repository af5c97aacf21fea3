"""The page of all experiments: what each asks, shows and advises, read from its verdict.json and figure.svg."""

from pathlib import Path
from typing import Any

from flopscape.config.bias import EXPERIMENTS
from flopscape.files.json_text import read_json
from flopscape.report import files
from flopscape.report.blocks import Block, Bullets, Grid, Paragraph, Picture, Report, Section
from flopscape.text import numbers

TITLE = "How wrong are the fitting methods where the truth is known?"
FIX = "run `snakemake bias`"
SETTINGS = {
    "fast": "FAST settings, for tests: fewer points and seeds, and no published number is checked.",
    "changed": "Settings changed in config/bias.yaml: no published number is checked.",
}
"""What a reader must know of results that are not at the published settings."""

Verdict = dict[str, Any]


def write_report(results: Path, out: Path) -> None:
    """Write the page, as HTML and as Markdown beside it, from the folders of all experiments under `results`.

    Raises
    ------
    FlopscapeError
        A verdict or a figure is missing, or a file must not be written.
    """
    files.refuse_report(out, [results / name / file for name in EXPERIMENTS for file in ("verdict.json", "figure.svg")])
    verdicts = {name: read_json(results / name / "verdict.json", FIX) for name in EXPERIMENTS}
    files.write_report(build(verdicts, results), out)


def build(verdicts: dict[str, Verdict], results: Path) -> Report:
    """The page of all experiments as plain data, which HTML and Markdown are made from."""
    experiments = [Section(_title(name, v), _experiment(name, v, results)) for name, v in verdicts.items()]
    claims = [Section("Every claim", _every_claim(verdicts))]
    return Report(TITLE, False, _answer(verdicts), experiments + claims)


def _title(name: str, verdict: Verdict) -> str:
    return f"{int(name.removeprefix('exp'))}. {verdict['question']}"


def _answer(verdicts: dict[str, Verdict]) -> list[Block]:
    """How much holds, and what every experiment comes to."""
    claims = [claim for verdict in verdicts.values() for claim in verdict["claims"]]
    held = sum(claim["holds"] for claim in claims)
    first = f"{held} of {len(claims)} claims of {len(verdicts)} experiments hold; the others are listed in their place."
    if held == len(claims):
        first = f"All {len(claims)} claims of {len(verdicts)} experiments hold."
    rows = [[name, verdict["setting"], verdict["status"], _held(verdict)] for name, verdict in verdicts.items()]
    surfaces = (
        "Losses come from surfaces with known optima, except where a published table is named; a claim is a number"
    )
    note = f"{surfaces} that is checked, against the published one to its last digit or against theory."
    return [Paragraph(first, True), Grid(["experiment", "settings", "status", "claims that hold"], rows, note)]


def _held(verdict: Verdict) -> str:
    return f"{sum(claim['holds'] for claim in verdict['claims'])} of {len(verdict['claims'])}"


def _experiment(name: str, verdict: Verdict, results: Path) -> list[Block]:
    """Marker of the settings, finding, figure, advice, and the claims that need words."""
    marker = SETTINGS.get(verdict["setting"])
    blocks: list[Block] = [Paragraph(marker, True)] if marker else []
    if verdict["status"] != "completed":
        blocks.append(Paragraph(f"Status: {verdict['status']}."))
    if verdict["finding"]:
        blocks.append(Paragraph(verdict["finding"]))
    blocks.append(Picture(name, results / name / "figure.svg", ""))
    blocks.append(Paragraph(f"What to do: {verdict['advice']}"))
    blocks.append(Paragraph(f"Claims that hold: {_held(verdict)}."))
    remarks = [_remark(claim) for claim in verdict["claims"] if claim["note"] or not claim["holds"]]
    return [*blocks, Bullets(remarks)] if remarks else blocks


def _remark(claim: Verdict) -> str:
    """A claim that fails, or holds with a remark, as a sentence."""
    words = "holds" if claim["holds"] else "does NOT hold"
    sentence = f"{claim['claim']}: {_number(claim['value'])}, expected {_number(claim['expected'])}; it {words}"
    return sentence + (f". {claim['note'][:1].upper()}{claim['note'][1:]}" if claim["note"] else "")


def _every_claim(verdicts: dict[str, Verdict]) -> list[Block]:
    rows = [
        [name, claim["claim"], *map(_number, (claim["value"], claim["expected"], claim["tolerance"])), _yes(claim)]
        for name, verdict in verdicts.items()
        for claim in verdict["claims"]
    ]
    note = "Errors are in per cent where the claim names a surface; the tolerance is absolute."
    return [Grid(["experiment", "claim", "found", "expected", "tolerance", "holds"], rows, note)] if rows else []


def _yes(claim: Verdict) -> str:
    return "yes" if claim["holds"] else "NO"


def _number(value: float | None) -> str:
    """Six digits, which is one more than is published."""
    return numbers.NOTHING if value is None else f"{value:.6g}"
