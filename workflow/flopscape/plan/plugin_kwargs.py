"""Whether the plug-ins of a study take the arguments that it gives them, before anything runs: names and types.

A wrong argument would otherwise end the first run, after the data were prepared and the queue was waited for.
Signatures decide, no class is constructed. The package's own plug-ins are asked here; a user's may import torch, so
they are asked in a process of their own (plan/ask.py), again only when their code or the arguments have changed.
"""

import inspect
import typing
from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, create_model

from flopscape.config.complaints import sentences
from flopscape.config.plugins import LOOP, Plugin
from flopscape.config.study import Study
from flopscape.errors import FlopscapeError
from flopscape.files.json_text import Spec, canonical
from flopscape.plan.ask import answer_of
from flopscape.plugins.loading import import_class, is_path
from flopscape.text.written import plain

NEEDS = {"model": ("build",), "dataset": ("prepare", "batches"), "loss": ("__call__",), "trainer": ("train",)}
"""Methods that each part of a study must have; a model's `counts` is looked at where it is counted."""
CODE = "flopscape.plan.plugin_kwargs"


def refuse_wrong_arguments(study: Study, place: str) -> None:
    """Refuse plug-ins that cannot be imported, lack a method, or do not take their arguments.

    Parameters
    ----------
    study : Study
        Its data are not looked at where its runs are simulated and the dataset is the user's own.
    place : str
        The study's file, for the sentences.

    Raises
    ------
    FlopscapeError
        One line for each wrong argument.
    """
    parts = dict(_parts(study))
    of_user = {part: spec for part, spec in parts.items() if _is_of_user(spec["plugin"])}
    wrong = why_refused({part: spec for part, spec in parts.items() if part not in of_user})
    # Its data are never read, so that the package which has them need not be there.
    if study.simulated:
        of_user.pop("dataset", None)
    if of_user:
        modules = [spec["plugin"].partition(":")[0] for spec in of_user.values()]
        wrong += answer_of(CODE, of_user, modules, "plug-ins")["why_refused"]
    if wrong:
        raise FlopscapeError("\n".join(f"{place}: {sentence}" for sentence in wrong))


def _is_of_user(path: str) -> bool:
    """Whether a plug-in is the user's own; one that is not even written as module:Class is refused without asking."""
    return is_path(path) and not path.startswith("flopscape.")


def _parts(study: Study) -> Iterator[tuple[str, Spec]]:
    for part in NEEDS:
        yield from _named(part, getattr(study, part))
    for name, one in study.heldout.items():
        yield from _named(f"heldout.{name}.dataset", one.dataset)
        for metric, plugin in one.metrics.items():
            yield f"heldout.{name}.metrics.{metric}", plugin.spec()


def _named(part: str, plugin: Plugin | None) -> Iterator[tuple[str, Spec]]:
    if plugin is not None and plugin.plugin != LOOP:
        yield part, plugin.spec()


def _needs(part: str) -> tuple[str, ...]:
    """Methods of a part of a study or of a held-out set: what a set has besides its dataset are metrics, like losses.

    >>> _needs("heldout.code.dataset"), _needs("heldout.code.metrics.accuracy")
    (('prepare', 'batches'), ('__call__',))
    """
    return NEEDS.get(part.rpartition(".")[2] if part.endswith(".dataset") else part, NEEDS["loss"])


def why_refused(parts: dict[str, Spec]) -> list[str]:
    """A sentence for each argument that a plug-in does not take, is missing, or has another type.

    Parameters
    ----------
    parts : dict
        Part of a study (`model`, `dataset`, `loss`, `trainer`, `heldout.code.dataset`): its `plugin` and `kwargs`.
    """
    return [sentence for part, spec in parts.items() for sentence in _why_refused(part, spec)]


def _why_refused(part: str, spec: Spec) -> list[str]:
    try:
        plugin_class = import_class(spec["plugin"], _needs(part))
        model = _signature(plugin_class)
        model.model_validate_json(canonical(plain(spec.get("kwargs", {}))))
    except FlopscapeError as error:
        return [f"{part}: {error}"]
    except ValidationError as error:
        return sentences(error, model, f"{part}.kwargs of {spec['plugin']}")
    except ValueError as error:
        return [f"{part}.kwargs of {spec['plugin']}: {error}"]
    return []


def _signature(plugin_class: type) -> type[BaseModel]:
    """The arguments of a class as a pydantic model, as strict as JSON is.

    A list may stand for a tuple, no text for a number. What has no annotation, or one that pydantic does not know,
    takes anything.
    """
    parameters = _parameters(plugin_class)
    hints = _hints(plugin_class)
    # `**kwargs` in a signature: the class takes names that it does not list.
    takes_more = any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters)
    fields: dict[str, Any] = {
        # Numbered, with the real name as alias: pydantic refuses fields such as `_x`, `copy` or `model_config`.
        f"argument_{i}": (_hint(parameter, hints), Field(_default(parameter), alias=parameter.name))
        for i, parameter in enumerate(parameters)
        if parameter.kind in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY)
    }
    config = ConfigDict(extra="allow" if takes_more else "forbid", strict=True)
    return create_model("kwargs", __config__=config, **fields)


def _parameters(plugin_class: type) -> list[inspect.Parameter]:
    try:
        return list(inspect.signature(plugin_class).parameters.values())
    except (TypeError, ValueError):  # a class in C may have no signature that can be read
        return [inspect.Parameter("anything", inspect.Parameter.VAR_KEYWORD)]


def _hint(parameter: inspect.Parameter, hints: dict[str, Any]) -> Any:
    """What a value is held against; of `size: int = None` the annotation says less than is meant."""
    hint = hints.get(parameter.name, Any)
    return hint | None if parameter.default is None else hint


def _default(parameter: inspect.Parameter) -> Any:
    return ... if parameter.default is parameter.empty else None


def _hints(plugin_class: type) -> dict[str, Any]:
    """Annotations that a value can be held against."""
    try:
        hints = typing.get_type_hints(plugin_class.__init__, include_extras=True)  # type: ignore[misc]
    except Exception:  # names that exist for type checkers only
        return {}
    return {name: hint for name, hint in hints.items() if _is_known(hint)}


def _is_known(hint: Any) -> bool:
    """Whether pydantic can hold a JSON value against an annotation; a class of the user's own it cannot."""
    try:
        TypeAdapter(hint)
    except Exception:
        return False
    return True


def answer(question: Spec) -> Spec:
    """What plan/ask.py asks for: what is wrong with the arguments of a user's plug-ins."""
    return {"why_refused": why_refused(question)}
