"""The items on the training of the runs: from the study's config, the table of runs and the manifest of the data.

Of runs that were trained elsewhere the table tells counts and ranges; how they were trained stays open.
"""

import json
from collections.abc import Callable

import pandas as pd

from flopscape.checklist.known import Known
from flopscape.config.study import Study
from flopscape.recipe.settings import TrainingSettings
from flopscape.records.columns import CONVENTIONS
from flopscape.text import numbers

SIMULATED = "Nothing was trained: the losses are simulated."


def of_runs(known: Known) -> dict[str, str]:
    """What the table alone tells: numbers of runs, ranges, seeds, and what its columns count."""
    runs, unit = known.completed, known.unit
    if runs.empty:
        return {}
    point = runs.groupby([runs.n_params, runs.budget.fillna(runs.n_tokens)]).size()
    budgets = f", at {numbers.plural(len(known.budgets), 'budget')}" if known.budgets else ""
    n_sizes = numbers.plural(runs.n_params.nunique(), "size")
    return {
        "runs": f"{numbers.plural(runs.run_id.nunique(), 'run')} of {n_sizes}{budgets}.",
        "compute": f"{_range(runs.flops, numbers.flops)} FLOPs.",
        "sizes": f"{_range(runs.n_params, numbers.count)} parameters.",
        "amounts": f"{_range(runs.n_tokens, numbers.count)} {unit}s.",
        "seeds": _seeds(point) if known.study or "seed" in known.manifest.get("columns", {}) else "",
    }


def _range(values: pd.Series, write: Callable[[float], str]) -> str:
    low, high = write(float(values.min())), write(float(values.max()))
    return low if low == high else f"{low} to {high}"


def _seeds(point: pd.Series) -> str:
    few, most = int(point.min()), int(point.max())
    each = numbers.plural(few, "seed") if few == most else f"{few} to {most} seeds"
    return f"{each} at each of {numbers.plural(len(point), 'point')}."


def of_conventions(known: Known) -> dict[str, str]:
    """What N and C count, by the columns of the fit that the claim rests on."""
    fit = known.fit
    if fit is None:
        return {}
    origin = known.manifest.get("columns", {})
    told = {}
    for item, quantity in (("count_n", "n_params"), ("count_c", "flops")):
        column = fit.conventions.get(quantity, quantity)
        # Other people's column says where a number is from, and not what was counted in it: that stays open.
        meaning = CONVENTIONS.get(column, "") if known.study else _as_computed(origin.get(column, column))
        told[item] = "" if not meaning else f"{meaning}." if meaning == column else f"{column}: {meaning}."
    return told


def _as_computed(origin: str) -> str:
    """The origin of an imported column where it is a formula, such as 6·N·D; a copied column explains nothing."""
    return "" if origin.startswith("their column") or "·" not in origin else origin


def of_training(known: Known) -> dict[str, str]:
    """How the runs were trained; empty for runs that were trained elsewhere."""
    study = known.study
    if study is None:
        return {}
    if study.simulated:
        untrained = ("dataset", "tokenizer", "repeats", "optimiser", "schedule", "batch", "search", "weights")
        return dict.fromkeys(untrained, SIMULATED) | {
            "architecture": f"{SIMULATED} Sizes are counted as those of {_plugin(study.model.spec())}.",
            "training_code": f"{SIMULATED} The formula is {_plugin(study.trainer.spec())}.",
        }
    settings = study.training
    return {
        "architecture": f"{_plugin(study.model.spec())}; sizes as {_sizes(known)}.",
        "optimiser": _optimiser(settings),
        "schedule": _schedule(settings),
        "batch": _batch(settings, known.unit),
        "search": _search(known, settings),
        "training_code": _code(known),
        **_data(known, study),
    }


def _plugin(spec: dict[str, object]) -> str:
    """A plug-in and its arguments."""
    given = spec.get("kwargs")
    return f"{spec['plugin']}{f' with {json.dumps(given)}' if given else ''}"


def _sizes(known: Known) -> str:
    """The smallest and the largest size as the study writes them."""
    rows = sorted(known.planned.rows, key=lambda row: row.n_params)
    return f"{json.dumps(rows[0].size)} to {json.dumps(rows[-1].size)}"


def _optimiser(settings: TrainingSettings) -> str:
    clip = f", gradients clipped to a norm of {settings.gradient_clip:g}" if settings.gradient_clip else ""
    return (
        f"AdamW with β₁ = {settings.beta1:g}, β₂ = {settings.beta2:g}, weight decay {settings.weight_decay:g}{clip};"
        f" precision {'fp32' if settings.mixed_precision == 'no' else settings.mixed_precision}."
        " A plug-in model may bring an optimiser of its own."
    )


def _schedule(settings: TrainingSettings) -> str:
    warmup = f"{settings.warmup_units:,} units" if settings.warmup_units else numbers.percent(settings.warmup_fraction)
    after = {
        "wsd": f"constant, and over the last {numbers.percent(settings.decay_fraction)} of the steps linear to zero",
        "cosine": "a cosine to a tenth of the peak",
        "constant": "constant, without decay",
    }[settings.schedule]
    return f"Linear warm-up over {warmup}, then {after}; each run's own length decides it."


def _batch(settings: TrainingSettings, unit: str) -> str:
    if settings.batch_scaling == "fixed":
        return f"{settings.batch_units:,} {unit}s for every run."
    return f"By a power law, {settings.batch_law}."


def _search(known: Known, settings: TrainingSettings) -> str:
    rule = {
        "fixed": f"One peak rate for all sizes, {settings.learning_rate:g}",
        "width": f"Peak rate {settings.learning_rate:g} at width {settings.base_width}, in proportion to 1/width",
        "mup": f"µP, peak rate {settings.learning_rate:g} at width {settings.base_width}",
        "power_law": f"Peak rate by the law {settings.learning_rate_law}",
        "by_width": "Peak rate by a table of widths",
    }[settings.learning_rate_scaling]
    if known.transfer:
        return f"{rule}. Searched at several widths: {known.transfer['reason']}"
    return f"{rule}. No finished search shows that it suits every size."


def _code(known: Known) -> str:
    """The fingerprint of the code that trained the runs."""
    codes = (
        sorted(known.runs.code_fingerprint.dropna().astype(str).unique()) if "code_fingerprint" in known.runs else []
    )
    return f"flopscape, code of fingerprint {', '.join(codes)} (in the table and in every record)." if codes else ""


def _data(known: Known, study: Study) -> dict[str, str]:
    """Data, their unit, and how often they are seen; open where the manifest is gone."""
    manifest = known.manifest
    if not manifest or study.dataset is None:
        return {}
    units, hash_ = manifest["n_units"], str(manifest["data_hash"])[:12]
    tokenizer = manifest.get("notes", {}).get("tokenizer")
    described = f" Tokenizer: {tokenizer}." if tokenizer else ""
    epochs = float(known.completed.n_tokens.max()) / units["train"]
    return {
        "dataset": f"{manifest['source']}; licence: {manifest['licence']}; {manifest['split_rule']}; SHA-256 {hash_}….",
        "tokenizer": f"The unit is the {manifest['unit']}: {units['train']:,} to train on.{described}",
        "repeats": f"{'No' if epochs <= 1 else 'Yes'}: at most {numbers.ratio(epochs)} passes over the data.",
    }
