"""What all models of the config share: a strict base, and the types of their keys."""

import re
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from flopscape.text.expression import check_expression
from flopscape.text.written import AS_NUMBER, plain, shown

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
LONGEST_NAME = 200
"""Letters of a name: file systems take 255, and endings are added to it."""
MAX_RUNS = 100_000
"""Runs of one study: far more than Snakemake can hand to one rule, and a plan that is still made in seconds."""


MAX_STUDIES = 200
"""Studies of one file: each is planned and priced, and has a folder and a page of its own."""


def plain_name(name: str, kind: str) -> str:
    """A name that may become a folder and reach a command line."""
    if not NAME.fullmatch(name):
        raise ValueError(
            f"{kind} name {shown(name)}: use letters, digits, '.', '_' and '-' only, beginning with a letter or digit"
        )
    if len(name) > LONGEST_NAME:
        raise ValueError(f"{kind} name {shown(name)}: {len(name)} letters long; use at most {LONGEST_NAME}")
    return name


def _bounded(expression: str) -> str:
    check_expression(expression)
    return expression


def _distinct(values: list[Any]) -> list[Any]:
    if repeated := [value for i, value in enumerate(values) if value in values[:i]]:
        raise ValueError(f"{repeated[0]!r} is listed twice")
    return values


Distinct = AfterValidator(_distinct)
"""For lists in which nothing may stand twice."""
Finite = Annotated[float, Field(allow_inf_nan=False), AS_NUMBER]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False), AS_NUMBER]
NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False), AS_NUMBER]
PositiveInt = Annotated[int, Field(ge=1), AS_NUMBER]
Seed = Annotated[int, Field(ge=0, lt=2**63), AS_NUMBER]
Exclusion = Annotated[str, AfterValidator(_bounded)]
"""A condition on rows, refused while planning where it is more than comparisons or has no bound."""
Plain = Annotated[dict[str, Any], AfterValidator(plain)]
"""A mapping of what JSON can hold: text, finite numbers, booleans, null, lists and mappings with text keys."""
Scalar = str | bool | int | float | None
Axes = dict[str, Annotated[list[Scalar], Field(min_length=1)] | Annotated[dict[str, Plain], Field(min_length=1)]]
"""What differs between the studies of one file: a key with its values, or a name with what each label changes."""
Size = Plain
Sizes = Annotated[list[Size], Field(min_length=1)]


class Model(BaseModel):
    """Base of all parts: unknown keys are errors, docstrings under fields are the schema's descriptions."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True, frozen=True)
