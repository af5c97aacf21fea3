"""Plan, price, run and fit scaling-law sweeps: `import flopscape as fs`.

A name is loaded when it is asked for, from its module by name and not by an import: so `import flopscape` loads
nothing, and no fingerprint of a stage follows an import from here into all the others.
"""

import sys

__version__ = "0.1.0"

TYPE_CHECKING = False  # the name alone tells type checkers; importing it would take longer than all of this file
if TYPE_CHECKING:
    from types import ModuleType

    from flopscape.api.backtest import Backtest as Backtest
    from flopscape.api.backtest import backtest as backtest
    from flopscape.api.comparison import Comparison as Comparison
    from flopscape.api.comparison import compare as compare
    from flopscape.api.fits import Fit as Fit
    from flopscape.api.fits import fit as fit
    from flopscape.api.fits import read_fit as read_fit
    from flopscape.api.imports import Imported as Imported
    from flopscape.api.imports import import_runs as import_runs
    from flopscape.api.many_fits import Fits as Fits
    from flopscape.api.many_fits import fit_all as fit_all
    from flopscape.api.plans import Plan as Plan
    from flopscape.api.plans import Price as Price
    from flopscape.api.plans import plan as plan
    from flopscape.api.plans import price as price
    from flopscape.api.predictions import Predictions as Predictions
    from flopscape.api.results import Results as Results
    from flopscape.api.results import results as results
    from flopscape.api.runs import Runs as Runs
    from flopscape.api.runs import read_runs as read_runs
    from flopscape.api.study import Study as Study
    from flopscape.api.study import read_study as read_study
    from flopscape.api.twin import Twin as Twin
    from flopscape.api.twin import twin as twin
    from flopscape.errors import FlopscapeError as FlopscapeError
else:
    ModuleType = type(sys)

_PLACES = {
    "api.backtest": ("Backtest", "backtest"),
    "api.comparison": ("Comparison", "compare"),
    "api.fits": ("Fit", "fit", "read_fit"),
    "api.imports": ("Imported", "import_runs"),
    "api.many_fits": ("Fits", "fit_all"),
    "api.plans": ("Plan", "Price", "plan", "price"),
    "api.predictions": ("Predictions",),
    "api.results": ("Results", "results"),
    "api.runs": ("Runs", "read_runs"),
    "api.study": ("Study", "read_study"),
    "api.twin": ("Twin", "twin"),
    "errors": ("FlopscapeError",),
}
_MODULES = {name: f"{__name__}.{place}" for place, names in _PLACES.items() for name in names}
_FOLDERS = ("plan", "twin")
"""Public names that are folders of the package too: `fs.plan` is the folder, and can be called."""
__all__ = sorted(_MODULES)


def __getattr__(name: str) -> object:
    """A public name, loaded when it is first asked for."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib

    return importlib.import_module(f"{__name__}.{name}") if name in _FOLDERS else _loaded(name)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]


def _loaded(name: str) -> object:
    """What a public name stands for."""
    import importlib

    return getattr(importlib.import_module(_MODULES[name]), name)


class _Folder(ModuleType):
    """A folder of the package that is a function of the same name as well, as a caller, `help` and an editor see it."""

    def __call__(self, *args: object, **options: object) -> object:
        return self._function(*args, **options)  # type: ignore[operator]

    @property
    def _function(self) -> object:
        return _loaded(self.__name__.rpartition(".")[2])

    @property
    def __doc__(self) -> str | None:  # type: ignore[override]
        return self._function.__doc__

    @property
    def __signature__(self) -> object:
        import inspect

        return inspect.signature(self._function)  # type: ignore[arg-type]


class _Package(ModuleType):
    """The package, which Python gives each folder as an attribute when it is imported, whoever imports it."""

    def __setattr__(self, name: str, value: object) -> None:
        if name in _FOLDERS and isinstance(value, ModuleType):
            value.__class__ = _Folder
        super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package
