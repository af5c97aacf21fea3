"""What all models of the config share: a strict base, and numbers as people write them."""

import re
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")


def number(value: Any) -> Any:
    """Numbers may be written 1e12, 1_000_000 or "1e12"; true and false are no numbers."""
    if isinstance(value, bool):
        raise ValueError("true and false are not numbers")
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError as error:
            raise ValueError(f"{value!r} is not a number") from error
    return int(value) if isinstance(value, float) and value.is_integer() else value


def plain_name(name: str, what: str) -> str:
    """A name that may become a folder and reach a command line."""
    if not NAME.fullmatch(name):
        raise ValueError(
            f"{what} name {name!r}: use letters, digits, '.', '_' and '-' only, beginning with a letter or digit"
        )
    return name


Positive = Annotated[float, BeforeValidator(number), Field(gt=0, allow_inf_nan=False)]
NotNegative = Annotated[float, BeforeValidator(number), Field(ge=0, allow_inf_nan=False)]
PositiveInt = Annotated[int, BeforeValidator(number), Field(ge=1)]
Seed = Annotated[int, BeforeValidator(number), Field(ge=0)]
Size = dict[str, Any]
Sizes = Annotated[list[Size], Field(min_length=1)]


class Model(BaseModel):
    """Base of all parts: unknown keys are errors, docstrings under fields are the schema's descriptions."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True, frozen=True)
