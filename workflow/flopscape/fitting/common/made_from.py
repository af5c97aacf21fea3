"""What a fit was made from, as its file keeps it: table, curves, options, command, code and draws.

Whoever reads a fit compares this with what stands before it: a fit of another table, of other options or by other code
is stale, whatever the time stamps say.
"""

import json
import math
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from flopscape.errors import FlopscapeError
from flopscape.files.json_text import read_json, sha256, short_hash
from flopscape.files.outputs import StrPath, lasting_name
from flopscape.fingerprint import fingerprint
from flopscape.fitting.methods import chosen_options, module_of
from flopscape.records.stamps import DIGITS, PYTHON, Stamp

Options = dict[str, Any]
"""`method`, `flops` (a list), `bootstrap`, `seed`, `columns`, and of the others those that were given."""

OF_EVERY_METHOD = ("exclude", "min_flops", "seed", "seeds")


def made_from(runs: StrPath, curves: StrPath | None, options: Options, draws: StrPath, out: StrPath) -> dict[str, Any]:
    """The field `made_from` of a fit.

    Parameters
    ----------
    runs, curves : path
        What was read; curves are None where the method reads none.
    options : dict
        From `options_given`.
    draws, out : path
        The file of the fit's draws, already written, and that of the fit.

    Returns
    -------
    dict
        `table`, `curves` (only where they were read) and `draws`: SHA-256 of the bytes of each file; `options`;
        `command`: the line of a shell that makes the fit again, into the current folder; `code`: from `fit_code`, by
        the `python` that hashed it.
    """
    read = {"table": sha256(runs)} | ({} if curves is None else {"curves": sha256(curves)})
    asked = words(options, None if curves is None else lasting_name(curves))
    command = f"flopscape fit {shlex.quote(lasting_name(runs))} {asked} --out {shlex.quote(Path(out).name)}"
    code = fit_code(options["method"])
    by = {"code": code, "python": PYTHON}
    return {**read, "options": options, "command": command, **by, "draws": sha256(draws)}


def refuse_another(fit: StrPath, runs: StrPath, curves: StrPath | None) -> None:
    """Raise FlopscapeError for a fit that says of itself that it is of another table, or of other curves.

    Fits of version 0.1 say nothing of it, and neither do those of other programs.
    """
    carried = read_json(fit, "make the fit again").get("made_from")
    carried = carried if isinstance(carried, dict) else {}
    for name, path in (("table", runs), ("curves", curves)):
        if path is not None and name in carried and carried[name] != sha256(path):
            raise FlopscapeError(f"{fit}: not a fit of {path} as it is now; make the fit again, with that {name}")


def options_given(
    method: str,
    columns: Mapping[Any, str] | None,
    flops: Sequence[float],
    bootstrap: int,
    seed: int,
    others: Mapping[str, Any],
) -> Options:
    """All options of a fit but the files it reads, in one form however they were written.

    Raises
    ------
    FlopscapeError
        A number that is none.
    """
    given = {name: value for name, value in chosen_options(method, others).items() if name != "curves"}
    if given.get("seeds") == "each":
        del given["seeds"]
    for name, value in (*given.items(), *(("flops", c) for c in flops)):
        if isinstance(value, float) and not math.isfinite(value):
            raise FlopscapeError(f"{name}: {value!r} is no finite number")
    asked = {"flops": [float(c) for c in flops], "bootstrap": bootstrap, "seed": seed, "columns": dict(columns or {})}
    return {"method": method} | given | asked


def fit_code(method: str) -> str:
    """Fingerprint of the code that makes a fit by this method."""
    return fingerprint("flopscape.fitting.fit", module_of(method))


def stamp_of(carried: dict[str, Any]) -> Stamp:
    """The field `made_from` of a fit's file, as the stamp that other files carry."""
    named = {"runs": "table", "draws": "draws", "curves": "curves", "code": "code", "python": "python"}
    stamp = {ours: str(carried[theirs])[:DIGITS] for ours, theirs in named.items() if theirs in carried}
    try:
        return stamp | {"options": short_hash(carried["options"])}
    except ValueError:  # NaN and infinities have no JSON
        return stamp


def words(options: Options, curves: StrPath | None) -> str:
    """Options as the words of `flopscape fit`, in an order that does not depend on how they were given."""
    rest = [name for name in options if name not in ("method", "columns", "flops", "bootstrap")]
    rest.sort(key=lambda name: (name in OF_EVERY_METHOD, name))
    listed: list[tuple[str, object]] = [(name.replace("_", "-"), options[name]) for name in rest]
    listed += [("column", f"{ours}={theirs}") for ours, theirs in options["columns"].items()]
    listed += [("curves", curves)] if curves is not None else []
    listed += [("flops", asked) for asked in options["flops"]]
    listed += [("bootstrap", options["bootstrap"])] if "bootstrap" in options else []
    return " ".join([f"--method {shlex.quote(options['method'])}", *(option(*pair) for pair in listed)])


def option(name: str, value: object) -> str:
    """An option as a shell takes it: a switch alone, a number as short as it goes without loss."""
    if isinstance(value, bool):
        return f"--{name}" if value else f"--no-{name}"
    if isinstance(value, dict | list):
        return f"--{name} {shlex.quote(json.dumps(value, ensure_ascii=False))}"
    short = f"{value:g}" if isinstance(value, float) else str(value)
    return f"--{name} " + shlex.quote(short if not isinstance(value, float) or float(short) == value else repr(value))
