"""A fit in its file: `results/{study}/fits/{fit}.json`, or what `flopscape fit --out` names.

Apart from fit_result.py, so that a method, which only returns a fit, imports nothing that reads or writes files.
"""

import json
import os
from dataclasses import asdict
from typing import Any

from flopscape.errors import FitWarning, FlopscapeError, WarningKind, kind_of
from flopscape.files.json_text import read_json
from flopscape.files.outputs import write_text
from flopscape.records.fit_result import Estimate, Exclusion, FitResult, Prediction
from flopscape.records.fit_summary import summary_of

NO_FIT = "name the file of a fit, or make this one again"
"""What to do about a file that should be a fit: perhaps it is whole, and something else."""


def write_fit(fit: FitResult, path: str | os.PathLike[str]) -> None:
    """Write a fit as JSON: its summary first, which is read by people alone, and the kinds of its warnings beside them.

    Raises
    ------
    ValueError
        A number is not finite, which JSON cannot say: a method's numbers go through `representable` before.
    """
    data = (
        {"summary": summary_of(fit)} | asdict(fit) | {"warning_kinds": [kind_of(warning) for warning in fit.warnings]}
    )
    write_text(path, json.dumps(data, indent=1, allow_nan=False) + "\n")


def read_fit(path: str | os.PathLike[str]) -> FitResult:
    """Read a fit, of this version or an older one.

    Raises
    ------
    FlopscapeError
        The file cannot be read, or is no fit; its path is named.
    """
    data = read_json(path, NO_FIT)
    try:
        kinds = data.pop("warning_kinds", [])
        data.pop("summary", None)
        return FitResult(**{**data, **_nested(data), "warnings": _warnings(data.get("warnings", []), kinds)})
    except (TypeError, KeyError, AttributeError) as error:
        raise FlopscapeError(f"{path}: not a fit ({error}); {NO_FIT}") from error


def _warnings(sentences: list[str], kinds: list[WarningKind]) -> list[str]:
    """The sentences with their kinds; those of a file that keeps none have none."""
    kind_at = dict(enumerate(kinds))
    return [FitWarning(sentence, kind_at.get(place, "")) for place, sentence in enumerate(sentences)]


def _nested(data: dict[str, Any]) -> dict[str, Any]:
    """The fields of a FitResult that hold dataclasses, rebuilt from plain JSON."""
    quantities = ("n_params", "n_tokens", "loss", "tokens_per_param")
    return {
        "surface": data["surface"] and {k: Estimate(**v) for k, v in data["surface"].items()},
        "exponents": data["exponents"] and {k: Estimate(**v) for k, v in data["exponents"].items()},
        "parameters": data.get("parameters") and {k: Estimate(**v) for k, v in data["parameters"].items()},
        "predictions": [
            Prediction(**{**p, **{q: p[q] and Estimate(**p[q]) for q in quantities}}) for p in data["predictions"]
        ],
        "excluded": [Exclusion(**e) for e in data["excluded"]],
    }
