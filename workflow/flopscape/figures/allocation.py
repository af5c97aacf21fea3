"""How to split compute: the optimal model size and the optimal tokens against compute."""

from matplotlib.figure import Figure

from flopscape.figures import frame, style
from flopscape.figures.against_compute import panel, span
from flopscape.figures.tables import Tables


def draw(data: Tables) -> Figure:
    """Two panels, N* and D*, over a shared compute axis; see `against_compute.panel`."""
    title = f"{data.title}: optimal size and {data.unit}s against compute"
    if data.completed.empty or span(data) is None:
        return frame.nothing(title, "No completed runs: there is nothing to draw yet.", data.simulated)
    figure = frame.page(9.4, 4.4)
    panels = figure.subplots(1, 2)
    panel(panels[0], data, "n_params")
    panel(panels[1], data, "n_tokens")
    for axes, label in zip(panels, (f"N*, {data.size}", f"D*, {data.unit}s"), strict=True):
        style.flops_axis(axes, 5)
        style.log_axis(axes.yaxis, style.tick_count)
        axes.set_ylabel(label)
    style.legend_below(figure, panels[0])
    return frame.finish(figure, title, frame.refusals(data.fits), data.simulated)
