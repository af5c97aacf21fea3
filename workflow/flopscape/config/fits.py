"""What the report answers, and by which fits.

A fit has the keys of every fit, and those that its method declares: they are read from the method's own source, so that
a method of a user's own has them like a shipped one. See fitting/options.py.
"""

from functools import lru_cache
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BeforeValidator,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    TypeAdapter,
    create_model,
    field_validator,
    model_validator,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from flopscape.config.model import Distinct, Exclusion, Finite, Model, Plain, Positive, Seed, plain_name
from flopscape.errors import FlopscapeError, joined
from flopscape.fitting.any_law.restriction import restriction_of
from flopscape.fitting.methods import (
    chosen_options,
    described_by_name,
    options_in_study,
    owners,
    reads_curves,
    shipped_methods,
    signature,
    why_each_seed_is_needed,
    why_no_method,
    why_not_its_options,
)
from flopscape.fitting.option_text import is_collection
from flopscape.fitting.options import Option, is_module
from flopscape.laws.composition import parameters_asked
from flopscape.records.metrics import LOSS, why_not_fitted
from flopscape.text.written import AS_NUMBER, Integer, Switch

TYPES: dict[str, Any] = {
    "Positive": Positive,
    "float": Finite,
    "int": Integer,
    "bool": Switch,
    "str": str,
    "Path": str,
}
"""How a study writes the types of options."""


class Fit(Model):
    """One fit of the study's table. Beside these keys it has the options of its method."""

    model_config = ConfigDict(extra="allow")

    name: str
    """Name of the output, `fits/{name}.json`."""
    method: str
    """answer, approach1, approach2, approach3, vpnls, law, or the import path of a module of your own, which is run."""
    columns: dict[Literal["n_params", "n_tokens", "flops", "loss"], str] = {}
    """Columns of runs.csv to use instead of the defaults: another convention of N, D or C, or another metric."""
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
        if method not in shipped_methods() and not is_module(method):
            raise ValueError(why_no_method(method))
        return method

    @field_validator("columns")
    @classmethod
    def a_law_describes_the_metric(cls, columns: dict[str, str]) -> dict[str, str]:
        """Accuracy is no sum of power laws."""
        if why := why_not_fitted(columns.get("loss", "loss")):
            raise ValueError(f"loss: {why}")
        return columns

    @property
    def metric(self) -> str:
        """The column that is fitted as the loss: `loss` itself, or another metric such as `loss@code`."""
        return self.columns.get("loss", LOSS)

    @property
    def options(self) -> dict[str, Any]:
        """What the method is told, as far as that is given."""
        return chosen_options(self.method, self.model_extra or {})

    @property
    def asked(self) -> dict[str, Any]:
        """Name, method and the method's options: a fit of a table that is not the study's own."""
        return {"name": self.name, "method": self.method, **self.options}

    @model_validator(mode="after")
    def options_belong_to_the_method(self) -> Self:
        """Refuse what the method does not take, and what excludes each other."""
        options = self.model_extra or {}
        if why := why_not_its_options(self.method, options, Fit.model_fields):
            raise ValueError(why)
        model = _options_model(self.method, *options_in_study(self.method).values())
        # In place, in pydantic's own dict of extra keys: from here on it holds the values in the types of the method.
        options |= model.model_validate(options).model_dump(exclude_unset=True)
        if why := _why_no_law(self.method, options) or why_each_seed_is_needed(self.seeds, self.method, options):
            raise ValueError(why)
        if self.metric != LOSS and reads_curves(self.method) and options.get("rule") != "horizon":
            raise ValueError(
                f"{self.method} reads training curves, which are of the study's loss and not of {self.metric}; "
                "use rule horizon, or another method"
            )
        if self.method == "approach3" and options.get("delta") and options.get("objective") not in (None, "huber"):
            raise ValueError("delta: only approach3's objective huber has one")
        return self

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """The schema of an editor: all options of the shipped methods, and of each of them no others."""
        # The schema of the keys that every fit has; the handler gives a reference to it.
        fit_schema = handler.resolve_ref_schema(handler(schema))
        common = list(fit_schema["properties"])
        names = dict.fromkeys(name for method in shipped_methods() for name in options_in_study(method))
        fit_schema["properties"] |= {name: _property(name) for name in names}
        # All options are properties, with their help; which of them stand beside which method, JSON Schema says by
        # conditions.
        fit_schema["allOf"] = [
            {
                "if": {"properties": {"method": {"const": method, "description": "This one."}}, "required": ["method"]},
                "then": {"propertyNames": {"enum": [*common, *options_in_study(method)]}},
            }
            for method in shipped_methods()
        ]
        return fit_schema


def _why_no_law(method: str, options: dict[str, Any]) -> str:
    """Why the terms of a law are none, or what is asked of its parameters is not possible, whatever the table."""
    if method != "law":
        return ""
    law = options.get("law") or options_in_study(method)["law"].default
    asked: Any = ((options.get(key) or {}) for key in ("fix", "tie", "bound"))
    try:
        restriction_of(parameters_asked(law), *asked)
    except FlopscapeError as error:
        return str(error)
    return ""


@lru_cache(64)
def _options_model(method: str, *options: Option) -> type[Model]:
    """The options of a method as a model: an unknown key, or a value of another type, is named as everywhere."""
    fields: dict[str, Any] = {option.name: (_type(option), None) for option in options}
    return create_model(method, __base__=_Open if signature(method).is_open else Model, **fields)


class _Open(Model):
    """Options of a method whose source does not tell them."""

    model_config = ConfigDict(extra="allow")


def _type(option: Option, in_schema: bool = False) -> Any:
    """What a study may write for an option; words are checked by themselves where no other text is taken."""
    # None to begin with: an option may always be left out, which `null` says too.
    union: Any = None
    for part in map(_written, option.types):
        union = part | union
    if option.words:
        union = union | (str if option.is_choice and not in_schema else Literal[option.words])
    return union


def _written(name: str) -> Any:
    """How a study writes a type of fitting/options.py: `dict[float]` is a mapping with numbers."""
    outer, _, inner = name.removesuffix("]").partition("[")
    if not is_collection(name):
        return TYPES[name]
    if not inner:
        return Plain if outer == "dict" else list[Any]
    return dict[str, _written(inner)] if outer == "dict" else list[_written(inner)]  # type: ignore[misc]


def _property(name: str) -> JsonSchemaValue:
    """One option in the schema, of all methods that have it."""
    methods = owners(name)
    first = options_in_study(methods[0])[name]
    schema = TypeAdapter(_type(first, in_schema=True)).json_schema()
    words = f"Of {joined(methods)}. {first.help}"
    return schema | {"default": first.default, "description": words, "title": name.replace("_", " ").title()}


def described(value: Any) -> Any:
    """A name alone stands for a method, or for a method and the first of its choices."""
    return described_by_name(value) if isinstance(value, str) else value


NamedFit = Annotated[Fit, BeforeValidator(described, json_schema_input_type=str | Fit)]


class Recommend(Model):
    """What the report answers."""

    flops: Annotated[list[Positive], Field(min_length=1), Distinct]
    """Budgets to predict the optimum for, in FLOPs."""
    n_params: Annotated[list[Positive], Distinct] = []
    """Sizes to predict the data for, in parameters; the two powers of ten next above those trained when left out."""
    fit: str | None = None
    """Name of the fit that the recommendation rests on; `answer` when left out."""


class Twin(Model):
    """Simulated copies of the study, that say which method to trust on it."""

    simulations: Annotated[int, Field(ge=20), AS_NUMBER] = 500
    """Copies of the study's own design."""
    own_simulations: Annotated[int, Field(ge=0), AS_NUMBER] = 50
    """Of each truth the first copies, to which a method of your own is fitted one at a time; 0 leaves it out."""
    answer_simulations: Annotated[int, Field(ge=0), AS_NUMBER] = 20
    """Of the laws that are possible the first copies, to which the method answer is fitted; 0 leaves it out."""
    bootstrap: Annotated[int, Field(ge=20), AS_NUMBER] = 200
    """Resamples behind each interval of each copy."""
    seed: Seed = 0
    """Seed of the noise and of the resampling."""
