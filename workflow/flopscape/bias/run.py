"""One experiment by name: what `flopscape bias` and the workflow call."""

import importlib
import json
from pathlib import Path

from matplotlib.figure import Figure

from flopscape.bias.outcome import Outcome, checked, verdict
from flopscape.config.bias import EXPERIMENTS, BiasSettings, Experiment, experiment_module
from flopscape.config.read import validate
from flopscape.config.yaml12 import load_yaml
from flopscape.errors import FlopscapeError
from flopscape.figures.save import draw_to
from flopscape.files.json_text import parse_object
from flopscape.files.outputs import write_text
from flopscape.files.side_outputs import refuse_folder

FILES = ("table.csv", "figure.svg", "figure.png")
"""What is written besides verdict.json."""


def run(name: str, out: Path, settings: str | None = None, fast: bool = False, mirror: Path | None = None) -> str:
    """Run one experiment and write table.csv, figure.svg, figure.png and verdict.json; returns what to print.

    Parameters
    ----------
    name : str
        `exp00` … `exp12`; its module is imported by name, so that a change to one reruns no other.
    settings : str, optional
        This experiment's settings as JSON text, or a file like config/bias.yaml; the published ones when left out.
    fast : bool
        The fast variant for tests, which the outputs name.
    mirror : Path, optional
        Folder with the files of published tables; without it the parts that need them say so.

    Raises
    ------
    FlopscapeError
        An unknown experiment, settings that are wrong, or a file that must not be written.
    """
    if name not in EXPERIMENTS:
        raise FlopscapeError(f"experiment {name!r}: there are {', '.join(EXPERIMENTS)}")
    refuse_folder(out, FILES, [settings], "verdict.json", {"experiment", "claims"})
    chosen, words = _settings(name, settings, fast)
    experiment = importlib.import_module(experiment_module(name))
    outcome = experiment.run(chosen, mirror)
    write_text(out / "verdict.json", verdict(name, experiment.QUESTION, experiment.ADVICE, words, outcome))
    write_text(out / "table.csv", outcome.table.assign(setting=words).to_csv(index=False))
    if outcome.skipped:
        # A figure all the same, for the workflow expects every output of an experiment.
        draw_to(out / "figure.svg", _placeholder, outcome.skipped)
    else:
        draw_to(out / "figure.svg", experiment.draw, outcome.table)
    return _describe(outcome, words)


def _settings(name: str, text: str | None, fast: bool) -> tuple[Experiment, str]:
    """The settings, and whether they are `published`, `changed` or `fast`."""
    default: Experiment = getattr(BiasSettings(), name)
    values = _values_in(name, text)
    if fast:
        return validate(type(default), values | default.fast, "--fast"), "fast"
    chosen = validate(type(default), values, f"settings of {name}")
    return chosen, "published" if chosen == default else "changed"


def _values_in(name: str, text: str | None) -> dict[str, object]:
    if text is None:
        return {}
    if text.lstrip().startswith("{"):
        return parse_object(text, "--settings", "quote it as in the example")
    section = validate(BiasSettings, load_yaml(text), text)
    return dict(json.loads(getattr(section, name).model_dump_json()))


def _placeholder(why: str) -> Figure:
    figure = Figure(figsize=(5, 1.2))
    figure.text(0.5, 0.5, f"skipped: {why}", ha="center", va="center", wrap=True)
    return figure


def _describe(outcome: Outcome, setting: str) -> str:
    """The finding, and the claims that do not hold."""
    if outcome.skipped:
        return f"skipped: {outcome.skipped}"
    claims = checked(outcome, setting)
    failed = [f"does NOT hold: {c.claim}: {c.value:g}, expected {c.expected:g}" for c in claims if not c.holds]
    holds = f"{sum(claim.holds for claim in claims)} of {len(claims)} claims hold ({setting} settings)"
    return "\n".join([outcome.finding, *([outcome.partly] if outcome.partly else []), holds, *failed])
