"""The options of `flopscape new` as a question; what is missing is asked for in a terminal, and named elsewhere."""

import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import typer

from flopscape.config.ladder import Family
from flopscape.config.matrix import addresses
from flopscape.config.model import plain_name
from flopscape.config.read import RESERVED, load_study, validate
from flopscape.config.study import Study
from flopscape.design.new import Asked, base_of, base_of_text
from flopscape.design.new_study import base_text
from flopscape.design.question import UNITS, Money
from flopscape.errors import FlopscapeError, listed
from flopscape.files.json_text import parse_object
from flopscape.plan.family import family_of

MEASURES = {"usd": "--usd", "hours": "--hours", "wall_hours": "--wall-hours", "flops": "--flops"}


class Options(NamedTuple):
    """What stands on the command line; None, or nothing, for what does not."""

    name: str | None
    like: Path | None
    plugins: Mapping[str, tuple[str | None, str | None]]
    device: str
    family: str | None
    targets: tuple[float, ...]
    money: Mapping[str, float | None]
    allow_repeats: bool
    folder: Path


def asked_question(given: Options) -> tuple[Asked, Path | None]:
    """The question, and the base study's file where there is one.

    Raises
    ------
    FlopscapeError
        Something is missing that cannot be asked for here, or two options exclude each other.
    """
    if sys.stdin.isatty() and sys.stdout.isatty():
        given = _in_dialogue(given)
    name, money = _name(given.name), _money(given.money)
    if not given.targets:
        raise FlopscapeError("--target is missing: the compute to answer for, in FLOPs, such as --target 1e14")
    if wrong := [target for target in given.targets if not 0 < target < float("inf")]:
        raise FlopscapeError(f"--target {wrong[0]!r}: must be positive and finite")
    base, text = _base(given, name)
    family = _family(given, base)
    money = money._replace(device=base.resources.device.upper())
    return Asked(name, base, text, family, money, given.targets, given.allow_repeats), given.like


def _name(name: str | None) -> str:
    if name is None:
        raise FlopscapeError("the name of the study is missing: flopscape new NAME …")
    try:
        plain_name(name, "study")
    except ValueError as error:
        raise FlopscapeError(str(error)) from error
    if name.endswith((".yaml", ".yml")):
        raise FlopscapeError(f"study name {name}: leave out the ending; it is that of the file")
    if name in RESERVED:
        raise FlopscapeError(f"study name {name}: results/{name}/ has another use; choose another name")
    return name


def _money(money: Mapping[str, float | None]) -> Money:
    given = {measure: amount for measure, amount in money.items() if amount is not None}
    if len(given) != 1:
        options = ", ".join(MEASURES.values())
        which = f"{listed([MEASURES[name] for name in given], 4)} are given" if given else "none is given"
        raise FlopscapeError(f"give one of {options}: {which}")
    ((measure, amount),) = given.items()
    if not 0 < amount < float("inf"):
        raise FlopscapeError(f"{MEASURES[measure]} {amount!r}: must be positive and finite")
    return Money(measure, amount)  # type: ignore[arg-type]  # the keys are the measures


def _family(given: Options, base: Study) -> Family:
    """What --family says, or the base study."""
    if given.family:
        return validate(Family, parse_object(given.family, "--family", "write it in quotes"), "--family")
    if given.like is None:
        raise FlopscapeError('--family is missing: the sizes of the model, such as {"width_multiple": 16, "depth": 2}')
    try:
        return family_of(base)
    except FlopscapeError as error:
        raise FlopscapeError(f"{given.like}: {error}, here as --family") from error


def _base(given: Options, name: str) -> tuple[Study, str]:
    """The base study and its text, from --like or from plug-ins."""
    model, dataset = (given.plugins[part][0] for part in ("model", "dataset"))
    if (given.like is None) == (model is None):
        raise FlopscapeError("give either --like, a study to take model and data from, or --model with --dataset")
    if given.like:
        return base_of(given.like, name)
    if dataset is None:
        raise FlopscapeError("--dataset is missing: the plug-in of the data that --model trains on")
    specs = {part: _plugin(path, kwargs, part) for part, (path, kwargs) in given.plugins.items() if path}
    text = base_text(specs["model"], specs["dataset"], str(specs["loss"]["plugin"]), given.device)
    return base_of_text(text), text


def _plugin(path: str, kwargs: str | None, part: str) -> dict[str, Any]:
    arguments = parse_object(kwargs or "{}", f"--{part}-kwargs", "write it in quotes")
    return {"plugin": path} | ({"kwargs": arguments} if arguments else {})


def _in_dialogue(given: Options) -> Options:
    """The same with what a person answers to what is missing."""
    if given.like is None and given.plugins["model"][0] is None:
        given = given._replace(like=_ask_base(given.folder))
    if given.name is None:
        given = given._replace(name=typer.prompt("Name of the new study", value_proc=partial(_free_name, given.folder)))
    if not given.targets:
        words = "Compute to answer for, in FLOPs (such as 1e14)"
        given = given._replace(targets=(typer.prompt(words, value_proc=_positive),))
    if all(amount is None for amount in given.money.values()):
        given = given._replace(money=_ask_money())
    return given


def _ask_base(folder: Path) -> Path:
    studies = [path for file in sorted(folder.glob("*.yaml")) for path in _with_family(file)]
    if not studies:
        raise FlopscapeError(f"{folder}: no study there to take model, data and sizes from; give --like or --model")
    return studies[_ask_choice("Model, data and recipe of which study?", [path.stem for path in studies])]


def _with_family(file: Path) -> list[Path]:
    """Where the studies of a file are read that train a model whose sizes follow a rule."""
    with suppress(FlopscapeError):
        return [path for path in addresses(file) if family_of(load_study(path))]
    return []


def _ask_money() -> dict[str, float | None]:
    measures = list(UNITS)
    measure = measures[_ask_choice("What is limited?", [UNITS[name] for name in measures])]
    return {measure: typer.prompt(f"How many {UNITS[measure]}", value_proc=_positive)}


def _free_name(folder: Path, text: str) -> str:
    """A name that no study has yet; another one is asked for again."""
    try:
        name = _name(text)
    except FlopscapeError as error:
        raise typer.BadParameter(str(error)) from error
    if (folder / f"{name}.yaml").exists():
        raise typer.BadParameter(f"there is a study {name} already")
    return name


def _positive(text: str) -> float:
    with suppress(ValueError):
        if 0 < (value := float(text)) < float("inf"):
            return value
    raise typer.BadParameter("write a positive number, such as 1e14")


def _ask_choice(question: str, words: Sequence[str]) -> int:
    """The place of the chosen word."""
    typer.echo(question)
    for i, word in enumerate(words, 1):
        typer.echo(f"  {i}  {word}")

    def place(text: str) -> int:
        if text in (numbers := [str(i) for i in range(1, len(words) + 1)]):
            return numbers.index(text)
        raise typer.BadParameter(f"write a number from 1 to {len(words)}")

    chosen: int = typer.prompt("Number", value_proc=place, default="1")
    return chosen
