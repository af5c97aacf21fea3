"""What several results draw alike: numbers of one or more fits against compute, beside their runs."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

from flopscape.api.show import drawn
from flopscape.errors import FlopscapeError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from flopscape.api.fits import Fit
    from flopscape.api.runs import Runs

Quantity = Literal["n_params", "n_tokens", "loss"]
LABELS = {"n_params": "N*, {size}", "n_tokens": "D*, {unit}s", "loss": "L*, {loss}"}


def against_compute(runs: "Runs | None", fits: "Mapping[str, Fit]", ax: "Axes | None", quantity: Quantity) -> "Axes":
    """Optima of the budgets, each fit's line with its band and its asked budgets; returns the axes.

    Raises
    ------
    FlopscapeError
        Another quantity, or no runs to draw beside the fits.
    """
    from flopscape.figures import style
    from flopscape.figures.against_compute import panel

    if quantity not in LABELS:
        raise FlopscapeError(f"quantity {quantity!r}: there are {', '.join(LABELS)}")
    if runs is None:
        raise FlopscapeError(f"{', '.join(fits)}: a plot needs the runs; give them to read_fit, as runs=")
    results, draws = ({name: getattr(fit, part) for name, fit in fits.items()} for part in ("result", "draws"))
    data = runs.tables(results, draws)
    label = LABELS[quantity].format(size=data.size, unit=data.unit, loss=data.loss_unit)
    with drawn(ax) as axes:
        panel(axes, data, quantity)
        style.flops_axis(axes)
        style.log_axis(axes.yaxis, style.tick_loss if quantity == "loss" else style.tick_count)
        axes.set_ylabel(label)
        axes.legend()
    return axes
