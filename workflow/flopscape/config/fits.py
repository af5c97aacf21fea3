"""What the report answers, and by which fits."""

import importlib
from importlib.machinery import PathFinder
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, field_validator, model_validator

from flopscape.config.model import Exclusion, Model, Positive, Seed, plain_name
from flopscape.fingerprint import extend_import_path
from flopscape.fitting.methods import METHODS, complaint, named, needs_each_seed
from flopscape.text.written import AS_NUMBER, Switch, shown


class Fit(Model):
    """One fit of the study's table."""

    name: str
    """Name of the output, `fits/{name}.json`."""
    method: str
    """approach1, approach2, approach3, vpnls, law, or the import path of a module of your own. Its code is run."""
    objective: str | None = None
    """What approach3 minimises: huber, lad, log_lsq or lsq; huber when left out."""
    delta: Positive | Literal["scaled"] | None = None
    """Huber's δ in log residuals, 1e-3 when left out; `scaled` fits it to the residuals."""
    variant: str | None = None
    """approach2's curve per budget: parabola (when left out) or exact."""
    bias_correction: Switch | None = None
    """Take the parabolas' bias off approach2's vertices, by the exponents of a surface fitted to the same runs."""
    rule: str | None = None
    """approach1's envelope: hull (when left out), binned or horizon."""
    weights: str | None = None
    """`seeds` weights rows by the variance between seeds; all the same when left out."""
    law: str | None = None
    """The form that method law fits: coupled (when left out), kaplan, constrained, surface, power-n, power-n-floor …"""
    unique_tokens: Positive | None = None
    """Distinct tokens of the dataset, for the law constrained."""
    columns: dict[Literal["n_params", "n_tokens", "flops", "loss"], str] = {}
    """Columns of runs.csv to use instead of the defaults: another convention of N, D or C."""
    exclude: Exclusion | None = None
    """Leave out the runs for which this expression over the table's columns is true."""
    min_flops: Positive | None = None
    """Leave out the runs of less compute than this, in FLOPs."""
    seeds: Literal["each", "mean", "median"] = "each"
    """`each` run is a row; `mean` or `median` makes one row of the seeds of a size and budget."""
    bootstrap: Annotated[int, Field(ge=100), AS_NUMBER] = 4000
    """Resamples of whole runs behind the intervals, where the method uses them."""
    seed: Seed = 0
    """Seed of the resampling."""

    @field_validator("name")
    @classmethod
    def name_is_plain(cls, name: str) -> str:
        """Names become files."""
        return plain_name(name, "fit")

    @field_validator("method")
    @classmethod
    def method_exists(cls, method: str) -> str:
        """A method is a shipped one, or a module that can be found."""
        if method not in METHODS and not _is_module(method):
            raise ValueError(
                f"{shown(method)} is none of {', '.join(METHODS)}, and no module of that name can be imported"
            )
        return method

    @property
    def options(self) -> dict[str, Any]:
        """What only some methods take, as far as it is given."""
        names = ("objective", "delta", "variant", "rule", "weights", "law", "unique_tokens", "bias_correction")
        return {name: value for name in names if (value := getattr(self, name)) not in (None, False)}

    @model_validator(mode="after")
    def options_belong_to_the_method(self) -> Self:
        """Refuse what the method does not take, and what excludes each other."""
        if self.method in METHODS and (why := complaint(self.method, self.options)):
            raise ValueError(why)
        if why := needs_each_seed(self.seeds, self.method, self.weights):
            raise ValueError(why)
        if self.delta and self.objective not in (None, "huber"):
            raise ValueError("delta: only approach3's objective huber has one")
        return self


def _is_module(path: str) -> bool:
    """Whether a user's own method can be found; neither it nor a package around it is run, as find_spec would."""
    extend_import_path()
    importlib.invalidate_caches()
    places: Any = None
    names = path.split(".")
    for i in range(len(names)):
        found = PathFinder.find_spec(".".join(names[: i + 1]), places) if names[i] else None
        if found is None:
            return False
        places = found.submodule_search_locations or []
    return True


def _fit(value: Any) -> Any:
    """A name alone stands for a method, or for a method and its first option."""
    return named(value) if isinstance(value, str) else value


NamedFit = Annotated[Fit, BeforeValidator(_fit, json_schema_input_type=str | Fit)]


class Recommend(Model):
    """What the report answers."""

    flops: Annotated[list[Positive], Field(min_length=1)]
    """Budgets to predict the optimum for, in FLOPs."""
    fit: str | None = None
    """Name of the fit that the recommendation rests on; the last of `fits` when left out."""


class Twin(Model):
    """Simulated copies of the study, that say which method to trust on it."""

    simulations: Annotated[int, Field(ge=20), AS_NUMBER] = 500
    """Copies of the study's own design."""
    bootstrap: Annotated[int, Field(ge=20), AS_NUMBER] = 200
    """Resamples behind each interval of each copy."""
    seed: Seed = 0
    """Seed of the noise and of the resampling."""
