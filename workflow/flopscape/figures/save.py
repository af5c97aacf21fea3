"""Writing a figure: SVG for people, PNG beside it, the same bytes for the same figure."""

from pathlib import Path

import matplotlib
from matplotlib.figure import Figure

from flopscape.figures.style import RC

SVG_METADATA = {"Date": None, "Creator": None, "Format": None, "Type": None}


def save(figure: Figure, out: str | Path) -> list[Path]:
    """Write `out` (any suffix is replaced) as .svg and .png; returns the two paths."""
    svg = Path(out).with_suffix(".svg")
    svg.parent.mkdir(parents=True, exist_ok=True)
    with matplotlib.rc_context(RC):
        figure.savefig(svg, metadata=SVG_METADATA)
        figure.savefig(svg.with_suffix(".png"), metadata={"Software": None})
    return [svg, svg.with_suffix(".png")]
