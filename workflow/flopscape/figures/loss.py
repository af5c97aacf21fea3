"""What compute buys: the loss of the optimal run against compute."""

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from flopscape.figures import frame, style
from flopscape.figures.against_compute import panel, span
from flopscape.figures.tables import Tables
from flopscape.text import numbers


def draw(data: Tables) -> Figure:
    """All runs as dots, L*(C) of each fit with its band, asked budgets, and the irreducible loss where a fit has it."""
    title = f"{data.title}: loss against compute"
    if data.completed.empty or span(data) is None:
        return frame.nothing(title, "No completed runs: there is nothing to draw yet.", data.simulated)
    figure = frame.page(8.2, 4.6)
    axes = figure.subplots()
    panel(axes, data, "loss")
    _irreducible(axes, data)
    style.flops_axis(axes)
    style.log_axis(axes.yaxis, style.tick_loss)
    axes.set_ylabel(data.loss_label)
    style.legend_below(figure, axes, 2)
    return frame.finish(figure, title, frame.refusals(data.fits), data.simulated)


def _irreducible(axes: Axes, data: Tables) -> None:
    """A line at E, where it is not too far below everything else to be of interest."""
    fitted = {name: fit for name, fit in data.fits.items() if fit.status != "refused"}
    # Read before any line moves it, so that all fits are judged by the same axis.
    lowest = axes.get_ylim()[0]
    for name, colour, _, _ in style.fit_looks(list(fitted)):
        E = fitted[name].law_parameters.get("E")
        if E is None:
            continue
        label = f"{name}: irreducible loss {numbers.interval(E, numbers.loss)}"
        if E.estimate > 0.3 * lowest:
            axes.set_ylim(bottom=min(axes.get_ylim()[0], 0.96 * E.estimate))
            axes.axhline(E.estimate, color=colour, linewidth=1, linestyle=(0, (1, 2)), label=label)
        else:
            axes.plot([], [], color=colour, linewidth=1, linestyle=(0, (1, 2)), label=f"{label} (below the axis)")
