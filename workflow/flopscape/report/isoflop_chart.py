"""The picture that carries the answer: runs, IsoFLOP curves, and the optimum's path to what was asked.

It is a specification of Vega-Lite (Satyanarayan, Moritz, Wongsuphasawat & Heer 2017, doi 10.1109/TVCG.2016.2599030), in
which points can be pointed at and budgets switched off; html.py puts the program that draws it into the page.
"""

import os
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import numpy as np
import pandas as pd

from flopscape.answers.evaluate import compute_of
from flopscape.figures.isoflop import fitted_curve, vertices
from flopscape.figures.paths import path
from flopscape.figures.style import log_ticks, spans_much
from flopscape.figures.tables import first_with_curves
from flopscape.fitting.isoflop.curves import has_curve
from flopscape.report.addresses import Addresses
from flopscape.report.blocks import Block, Chart, Picture
from flopscape.report.evidence import Evidence
from flopscape.text import numbers

NAME = "answer"
SHAPES = ("circle", "square", "triangle-up", "diamond", "triangle-down", "triangle-left", "triangle-right")
COLOURS = tuple(f"var(--series-{i})" for i in range(8))
"""Of the budgets, from the page, which has others for a dark screen. They are one more than the shapes, so that few
budgets look alike."""
RANGES = {"color": COLOURS, "shape": SHAPES}
OTHER = "no budget"
MOST_POINTS = 1500
"""Runs that are drawn: of more, evenly spaced ones, for every point is an element of the page."""
CURVE_POINTS, PATH_POINTS = 40, 33
HEIGHT = 380
ROOM = 1.2
"""The axis of N reaches this factor beyond what is shown."""
TOO_WIDE = 30.0
"""Ends of intervals farther from the runs than this factor are not let stretch the axis."""

Layer = dict[str, Any]


def blocks(evidence: Evidence) -> list[Block]:
    """The chart, where the recommended fit has an answer in N and there are runs to draw."""
    runs = evidence.completed
    asked = _asked(evidence)
    if runs.empty or evidence.fit.status == "refused" or not asked:
        return []
    figure = evidence.figures.get("isoflop")
    instead = None if figure is None else Picture("isoflop", figure, evidence.captions.get("isoflop", ""))
    path_layers = _path(evidence)
    spec = _spec(evidence, runs, asked, path_layers)
    return [Chart(NAME, spec, _caption(evidence, runs, bool(path_layers)), instead)]


def _caption(evidence: Evidence, runs: pd.DataFrame, has_path: bool) -> str:
    """What is drawn: of a grid no curves and no legend, of a fit without a law no path."""
    opens = ", click it for its record" if evidence.addresses.records else ""
    said = [f"Loss against model size. Points are runs: point at one for its numbers{opens}."]
    if evidence.budgets:
        said.append(
            "Those of one compute have one colour, one shape and a curve; click one in the legend to see it alone."
        )
    if has_path:
        said.append(
            f"The dashed line is the optimum by the fit {evidence.recommended}, its band the 95 % interval of N*."
        )
    said.append("The large crosses are the optimum at what was asked.")
    drawn = -(-len(runs) // _stride(runs))
    return " ".join([*said, *([f"Of {len(runs):,} runs {drawn:,} are drawn, evenly."] if drawn < len(runs) else [])])


def _stride(runs: pd.DataFrame) -> int:
    return -(-len(runs) // MOST_POINTS)


def _spec(
    evidence: Evidence, runs: pd.DataFrame, asked: list[dict[str, Any]], path_layers: list[Layer]
) -> Mapping[str, Any]:
    budgets = [numbers.flops(budget) for budget in evidence.budgets]
    layers = [*path_layers, *_curves(evidence), _points(evidence, runs, budgets), *_crosses(asked)]
    sizes = [*runs.n_params, *(row["n"] for row in asked)]
    ends = [end for row in asked for end in (row["low"], row["high"]) if end]
    low, high = (
        min(sizes + [end for end in ends if end > min(sizes) / TOO_WIDE]) / ROOM,
        max(sizes + [end for end in ends if end < max(sizes) * TOO_WIDE]) * ROOM,
    )
    size = "body + head" if "n_params_body" in evidence.runs else "as the table counts them"
    losses = [*runs.loss, *(row[name] for row in asked for name in ("loss", "highest"))]
    is_log = spans_much(min(losses), max(losses))
    loss = {"type": "log", "nice": False} if is_log else {"zero": False, "nice": True}
    ticks = {"values": log_ticks(min(losses), max(losses))} if is_log else {"tickCount": 6}
    return {
        "width": "container",
        "height": HEIGHT,
        "autosize": {"type": "fit-x", "contains": "padding"},
        "layer": layers,
        "encoding": {
            "x": {
                "field": "n",
                "type": "quantitative",
                "scale": {"type": "log", "domain": [low, high], "nice": False},
                "axis": {"title": f"N, parameters ({size})", "values": log_ticks(low, high, 5), "format": "~s"},
            },
            "y": {
                "field": "loss",
                "type": "quantitative",
                "scale": loss,
                "axis": {"title": f"loss, {evidence.loss_unit}", **ticks},
            },
        },
        "config": _look(),
    }


def _look() -> Layer:
    """Text and lines in the page's own colours, so that the picture is dark where the page is."""
    quiet = {"gridColor": "currentColor", "domainColor": "currentColor", "tickColor": "currentColor"}
    text = {"labelColor": "currentColor", "titleColor": "currentColor", "labelFontSize": 12, "titleFontSize": 12}
    return {
        "background": "transparent",
        "view": {"stroke": None},
        "font": "inherit",
        "axis": {**quiet, **text, "gridOpacity": 0.15, "domainOpacity": 0.5, "tickOpacity": 0.5},
        "legend": {**text, "orient": "bottom", "columns": {"expr": "width > 500 ? 6 : 3"}, "symbolStrokeWidth": 1.5},
    }


def _points(evidence: Evidence, runs: pd.DataFrame, budgets: list[str]) -> Layer:
    """The runs, with what a reader asks of one."""
    shown = runs.iloc[:: _stride(runs)]
    unit = f"D, {evidence.unit}s"
    rows = [_point(run, unit, evidence.addresses) for run in shown.to_dict("records")]
    tooltip = [{"field": name, "type": "nominal"} for name in ("run", "compute", "N", unit, "loss of it", "seed")]
    looks: Layer = {"tooltip": tooltip, **({"href": {"field": "record"}} if evidence.addresses.records else {})}
    if budgets:
        domain = [*budgets, *([OTHER] if any(row["compute"] == OTHER for row in rows) else [])]
        ranges = {name: [each[i % len(each)] for i in range(len(domain))] for name, each in RANGES.items()}
        looks |= {
            channel: {
                "field": "compute",
                "type": "nominal",
                "scale": {"domain": domain, "range": ranges[channel]},
                "legend": {"title": "C, training FLOPs"},
            }
            for channel in ("color", "shape")
        }
        looks["opacity"] = _dimmed(0.95)
    chosen = {"name": "compute", "select": {"type": "point", "fields": ["compute"]}, "bind": "legend"}
    return {
        "data": {"values": rows},
        "params": [chosen] if budgets else [],  # runs without a budget have no legend to choose in
        "mark": {"type": "point", "filled": True, "size": 55, "color": COLOURS[0]},
        "encoding": looks,
    }


def _point(run: Mapping[Any, Any], unit: str, where: Addresses) -> dict[str, Any]:
    """One run: where it lies, and in words what stands beside it when it is pointed at."""
    return {
        "n": float(run["n_params"]),
        "loss": float(run["loss"]),
        "compute": OTHER if pd.isna(run["budget"]) else numbers.flops(run["budget"]),
        "run": str(run["run_id"]),
        "N": numbers.count(run["n_params"]),
        unit: numbers.count(run["n_tokens"]),
        "loss of it": numbers.loss(run["loss"]),
        "seed": "" if pd.isna(run["seed"]) else numbers.whole(run["seed"]),
        "record": quote(os.fsencode(where.records.get(str(run["run_id"]), ""))),
    }


def _dimmed(shown: float) -> Layer:
    """Opacity: faint where another budget was chosen in the legend."""
    return {"condition": {"param": "compute", "value": shown}, "value": 0.08}


def _curves(evidence: Evidence) -> list[Layer]:
    """The fitted curve of each budget that the fit used."""
    compute, rows = compute_of(first_with_curves(evidence.fits.values())), []
    for budget, vertex in vertices(evidence).items():
        runs = evidence.completed[evidence.completed.budget == budget]
        if runs.empty or not vertex.used or not has_curve(vertex.curve):
            continue
        curve = zip(*fitted_curve(runs, vertex, compute, CURVE_POINTS), strict=True)
        rows += [{"n": float(n), "loss": float(loss), "compute": numbers.flops(budget)} for n, loss in curve]
    if not rows:
        return []
    colour = {"field": "compute", "type": "nominal"}
    # Not `opacity`: curves and points share a legend, and by two layers' opacity it can no longer be clicked.
    mark = {"type": "line", "strokeWidth": 2, "clip": True}
    return [{"data": {"values": rows}, "mark": mark, "encoding": {"color": colour, "strokeOpacity": _dimmed(0.9)}}]


def _path(evidence: Evidence) -> list[Layer]:
    """The optimum from the smallest compute to the largest asked, and the band of N* around it."""
    fit, runs = evidence.fit, evidence.completed
    first = min(evidence.budgets, default=float(runs.flops.min()))
    flops = np.geomspace(first, max(prediction.flops for prediction in fit.predictions), PATH_POINTS)
    size, loss = (path(fit, evidence.draws, quantity, flops) for quantity in ("n_params", "loss"))
    if size is None or loss is None:
        return []
    low, high = (size.centre if end is None else end for end in (size.low, size.high))
    rows = [
        {"n": float(n), "low": float(a), "high": float(b), "loss": float(y)}
        for n, a, b, y in zip(size.centre, low, high, loss.centre, strict=True)
    ]
    band = {"x": {"field": "low", "type": "quantitative"}, "x2": {"field": "high"}}
    line = {"type": "line", "strokeDash": [6, 4], "color": "currentColor", "strokeWidth": 2, "clip": True}
    area = {"type": "area", "orient": "horizontal", "color": "currentColor", "opacity": 0.12, "clip": True}
    values = {"values": rows}
    return [
        {"data": values, "mark": area, "encoding": band},
        {"data": values, "mark": line, "encoding": {"order": {"field": "loss"}}},
    ]


def _asked(evidence: Evidence) -> list[dict[str, Any]]:
    """The optimum at each asked compute, with the ends of its interval in N and in the loss."""
    return [
        {
            "n": size.estimate,
            "low": size.low,
            "high": size.high,
            "loss": loss.estimate,
            "loss low": loss.low,
            "loss high": loss.high,
            "highest": loss.high or loss.estimate,
            "asked": f"{numbers.flops(prediction.flops)} FLOPs",
            "N*": numbers.interval(size, numbers.count),
            "L*": numbers.interval(loss, numbers.loss),
        }
        for prediction in evidence.fit.predictions
        if (size := prediction.n_params) and (loss := prediction.loss)
    ]


def _crosses(asked: list[dict[str, Any]]) -> list[Layer]:
    """Each asked optimum with its intervals as a cross, and above the last one what was asked."""
    tooltip = [{"field": name, "type": "nominal"} for name in ("asked", "N*", "L*")]
    rule = {"type": "rule", "strokeWidth": 2.5, "color": "var(--accent)", "clip": True}
    whole = [row for row in asked if row["low"] and row["high"]]
    level = [row for row in asked if row["loss low"] and row["loss high"]]
    ends = [
        (whole, {"x": {"field": "low", "type": "quantitative"}, "x2": {"field": "high"}}),
        (level, {"y": {"field": "loss low", "type": "quantitative"}, "y2": {"field": "loss high"}}),
    ]
    layers: list[Layer] = [
        {"data": {"values": rows}, "mark": rule, "encoding": {**places, "tooltip": tooltip}}
        for rows, places in ends
        if rows
    ]
    mark = {"type": "point", "shape": "diamond", "filled": True, "size": 130, "color": "var(--accent)", "opacity": 1}
    text = {
        "type": "text",
        "dy": -14,
        "dx": 6,
        "align": "left",
        "fontSize": 12,
        "fontWeight": 600,
        "color": "currentColor",
    }
    return [
        *layers,
        {"data": {"values": asked}, "mark": mark, "encoding": {"tooltip": tooltip}},
        {
            "data": {"values": asked[-1:]},
            "mark": text,
            "encoding": {"text": {"field": "asked"}, "y": {"field": "highest", "type": "quantitative"}},
        },
    ]
