"""Plan, price, run and fit scaling-law sweeps: `import flopscape as fs`.

A name is loaded when it is asked for, from its module by name and not by an import: so `import flopscape` loads
nothing, and no fingerprint of a stage follows an import from here into all the others.
"""

__version__ = "0.1.0"

TYPE_CHECKING = False
if TYPE_CHECKING:
    from flopscape.api.fits import Fit as Fit
    from flopscape.api.fits import fit as fit
    from flopscape.api.fits import read_fit as read_fit
    from flopscape.api.predictions import Predictions as Predictions
    from flopscape.api.runs import Runs as Runs
    from flopscape.api.runs import read_runs as read_runs
    from flopscape.errors import FlopscapeError as FlopscapeError

_PLACES = {
    "api.fits": ("Fit", "fit", "read_fit"),
    "api.predictions": ("Predictions",),
    "api.runs": ("Runs", "read_runs"),
    "errors": ("FlopscapeError",),
}
_MODULES = {name: f"{__name__}.{place}" for place, names in _PLACES.items() for name in names}
__all__ = sorted(_MODULES)


def __getattr__(name: str) -> object:
    """A public name, loaded when it is first asked for."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(_MODULES[name]), name)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
