"""The YAML that puts a search's result into the study.

It is printed and pasted by a person, and not read by the plan: what a study trains follows from its own file alone, so
that a search which is run again changes no plan and no run's id behind anybody's back.
"""

from dataclasses import replace
from typing import Any

import numpy as np

from flopscape.config.study import Study
from flopscape.recipe.settings import SCALED_BY_PLAN, TrainingSettings


def snippet(study: Study, verdict: dict[str, Any]) -> str:
    """Lines to paste under `training:`: one rate where it transfers, else the rates by width or a power law in N.

    Parameters
    ----------
    study : Study
        Its scaling of the rate decides what a searched rate means.
    verdict : dict
        What `transfer.verdict.verdict` returned.
    """
    if verdict["status"] == "undecided":
        return "# the search does not decide: widen it before you change training"
    rates = {row["width"]: row["optimum_rate"]["estimate"] for row in verdict["widths"]}
    if verdict["status"] == "transfers" and study.training.learning_rate_scaling not in SCALED_BY_PLAN:
        return f"learning_rate: {_mean(rates):.4g}   # the optima's geometric mean; {_scaling(study.training)}"
    if study.training.learning_rate_scaling == "mup":
        return "# under mup the rates by width cannot be written as rates of a whole model; tune at the widest you can"
    return _by_size(study, verdict, {width: _peak(study.training, width, rate) for width, rate in rates.items()})


def _by_size(study: Study, verdict: dict[str, Any], peaks: dict[int, float]) -> str:
    """The table of rates, and the power law in N through them: a least-squares line in ln rate and ln N."""
    sizes = [row["n_params"] for row in verdict["widths"]]
    # ln η = ln c + n·ln N, so that the intercept is ln of the coefficient.
    exponent, intercept = np.polyfit(np.log(sizes), np.log(list(peaks.values())), 1)
    table = ", ".join(f"{width}: {rate:.4g}" for width, rate in peaks.items())
    tokens = study.transfer.n_tokens if study.transfer else 0
    return "\n".join(
        [
            "learning_rate_scaling: by_width",
            f"learning_rate_by_width: {{{table}}}",
            f"# or, beyond these widths (all found at {tokens:,} tokens):",
            "# learning_rate_scaling: power_law",
            f"# learning_rate_law: {{coefficient: {np.exp(intercept):.4g}, n_params: {exponent:.3f}}}",
        ]
    )


def _peak(recipe: TrainingSettings, width: int, rate: float) -> float:
    """The peak rate that a searched rate stands for at a width."""
    if recipe.learning_rate_scaling in SCALED_BY_PLAN:
        return rate
    return replace(recipe, learning_rate=rate).rate_at({"width": width})


def _mean(rates: dict[int, float]) -> float:
    """The geometric mean: rates differ by factors."""
    return float(np.exp(np.mean(np.log(list(rates.values())))))


def _scaling(recipe: TrainingSettings) -> str:
    return f"learning_rate_scaling stays {recipe.learning_rate_scaling}"
