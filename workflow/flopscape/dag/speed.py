"""What makes a DAG of ten thousand runs fast: work of Snakemake's that changes nothing is left out."""

import gc
import inspect
from collections.abc import Callable
from typing import Any, TypeVar

from snakemake.common import overwrite_function_params
from snakemake.jobs import Job
from snakemake.resources import Resource
from snakemake.settings.types import Quietness

Function = TypeVar("Function", bound=Callable[..., Any])


def inspected_once(function: Function) -> Function:
    """Keep a function's parameters.

    Snakemake looks them up at each of its calls, many for every run, which takes longer than most of the calls.
    """
    overwrite_function_params(function, inspect.signature(function).parameters)
    return function


inspected_once(Resource.evaluate)


def hurry_dry_run(quiet: Any) -> None:
    """A dry run ends before its garbage matters, and Snakemake formats every job even where it then prints none."""
    gc.disable()
    if Quietness.RULES in (quiet or ()):
        Job.log_info = lambda *_, **__: None
