"""The picture at the top of a report: every run and every asked optimum is in it, and what a browser makes of it."""

import dataclasses
import json
import re
from html import unescape
from pathlib import Path
from typing import Any

import axe_core_python
import pandas as pd
import pytest
import vl_convert

from flopscape.report import html
from flopscape.report.addresses import Addresses, addresses
from flopscape.report.build import build
from flopscape.report.evidence import Evidence
from flopscape.report.isoflop_chart import MOST_POINTS, blocks
from flopscape.text import numbers
from tests.figures import studies
from tests.workflow.chromium import CHROMIUM, WHY_NO_CHROMIUM, visit

A_READER = """
const points = () => [...document.querySelectorAll(".chart .mark-symbol.role-mark path")];
const dim = () => points().filter(e => +getComputedStyle(e).opacity < 0.2).length;
const at = document.querySelector(".chart .mark-symbol.role-mark path");
const box = at.getBoundingClientRect();
const [x, y] = [box.left + box.width / 2, box.top + box.height / 2];
for (const kind of ["pointerover", "pointermove", "mouseover", "mousemove"])
  at.dispatchEvent(new PointerEvent(kind, {bubbles: true, clientX: x, clientY: y}));
await pause();
const tip = document.querySelector("#vg-tooltip-element").innerText;
const before = dim();
const entry = document.querySelector(".chart .role-legend-symbol path");
const place = entry.getBoundingClientRect();
for (const kind of ["pointerdown", "pointerup", "click"])
  entry.dispatchEvent(new PointerEvent(kind, {bubbles: true, clientX: place.left + 2, clientY: place.top + 2}));
await pause();
const folded = [...document.querySelectorAll("details")].filter(e => !e.open).length;
const [run, button] = [() => document.querySelector(".sortable tbody tr").innerText,
  [...document.querySelectorAll(".sortable th button")].find(e => e.textContent.startsWith("loss"))];
document.querySelector(".sortable").closest("details").open = true;
await click(button);
const least = run();
await click(button);
return {tip, before, after: dim(), points: points().length, folded, least, most: run(),
  wide: document.documentElement.scrollWidth - innerWidth};
"""

EXAMINED = """
const found = await axe.run(document);
const barriers = found.violations.map(rule => [rule.id, rule.nodes[0].html.slice(0, 200)]);
return {passed: found.passes.length, barriers};
"""


def spec(evidence: Evidence) -> Any:
    """The chart as a browser would read it."""
    (chart,) = blocks(evidence)
    return json.loads(json.dumps(chart.spec))  # type: ignore[union-attr]


def values(evidence: Evidence, key: str) -> list[dict[str, Any]]:
    """The rows of the layer whose rows have such a key."""
    layers = [layer["data"]["values"] for layer in spec(evidence)["layer"]]
    return next(rows for rows in layers if rows and key in rows[0])


def test_every_run_with_a_loss_is_a_point_that_says_its_numbers(evidence: Evidence) -> None:
    runs = evidence.completed
    points = {row["run"]: row for row in values(evidence, "run")}
    assert set(points) == set(runs.run_id)
    for run in runs.itertuples():
        point = points[str(run.run_id)]
        assert (point["n"], point["loss"]) == (run.n_params, run.loss)
        assert (point["N"], point["loss of it"]) == (numbers.count(run.n_params), numbers.loss(run.loss))


def test_what_was_asked_stands_in_it_as_the_fit_has_it(evidence: Evidence) -> None:
    asked = values(evidence, "N*")
    assert [row["n"] for row in asked] == [p.n_params.estimate for p in evidence.fit.predictions if p.n_params]
    assert asked[0]["N*"] == numbers.interval(evidence.fit.predictions[0].n_params, numbers.count)


def test_there_is_no_picture_without_an_answer_or_without_runs(evidence: Evidence) -> None:
    refused = dataclasses.replace(evidence, fits={"approach2": studies.refused_fit()})
    assert blocks(refused) == []
    assert blocks(dataclasses.replace(evidence, runs=evidence.runs.assign(loss=float("nan"), status="diverged"))) == []


def test_runs_without_budgets_have_no_legend_and_the_caption_speaks_of_none(evidence: Evidence) -> None:
    vpnls = {"vpnls": evidence.fits["vpnls"]}
    runs = evidence.runs.assign(budget=float("nan"))
    grid = dataclasses.replace(evidence, runs=runs, fits=vpnls, recommended="vpnls")
    (chart,) = blocks(grid)
    drawn = vl_convert.vegalite_to_vega(spec(grid))
    assert "legends" not in drawn
    assert "legend" not in chart.caption  # type: ignore[union-attr]
    assert "dashed line is the optimum by the fit vpnls" in chart.caption  # type: ignore[union-attr]
    assert vl_convert.vegalite_to_vega(spec(evidence))["legends"][0]["encode"]["symbols"]["interactive"]


def test_of_many_runs_some_are_drawn_and_the_caption_says_how_many(evidence: Evidence) -> None:
    many = pd.concat([evidence.runs] * (MOST_POINTS // len(evidence.completed) + 2), ignore_index=True)
    many = many.assign(run_id=[f"run-{i}" for i in range(len(many))])
    large = dataclasses.replace(evidence, runs=many)
    (chart,) = blocks(large)
    assert len(values(large, "run")) <= MOST_POINTS
    drawn = len(values(large, "run"))
    assert f"Of {len(large.completed):,} runs {drawn:,} are drawn, evenly." in chart.caption  # type: ignore[union-attr]


def test_hostile_names_of_runs_cannot_end_the_element_they_stand_in(evidence: Evidence) -> None:
    hostile = dataclasses.replace(evidence, runs=evidence.runs.assign(run_id="</script><script>alert(1)</script>"))
    page = html.render(build(hostile))
    inside = re.search(r'<script type="application/json">(.*?)</script>', page, re.DOTALL)
    assert inside
    assert "alert(1)" in json.dumps(json.loads(inside[1]))
    assert page.count("<script") == 2


def test_records_and_logs_are_linked_where_they_are(evidence: Evidence, tmp_path: Path) -> None:
    results = tmp_path / "results" / "a study"
    for place in (results / "runs" / "one.json", tmp_path / "logs" / "train" / "a study" / "one.log"):
        place.parent.mkdir(parents=True)
        place.touch()
    found = addresses(results, tmp_path / "config" / "absent.yaml", tmp_path / "results" / "page.html")
    assert found == Addresses({"one": "a study/runs/one.json"}, {"one": "../logs/train/a study/one.log"}, [])
    runs = evidence.runs.assign(run_id=["one", *evidence.runs.run_id[1:]])
    page = html.render(build(dataclasses.replace(evidence, runs=runs, addresses=found)))
    assert '<a href="a%20study/runs/one.json">one</a>' in page
    assert '<a href="../logs/train/a%20study/one.log">log</a>' in page


@pytest.mark.skipif(CHROMIUM is None, reason=WHY_NO_CHROMIUM)
@pytest.mark.parametrize("width", [1280, 500])
def test_a_browser_without_network_shows_a_runs_numbers_dims_other_budgets_and_sorts(
    evidence: Evidence, tmp_path: Path, width: int
) -> None:
    page = tmp_path / "report.html"
    page.write_text(html.render(build(evidence)), encoding="utf-8")
    seen = visit(page, A_READER, tmp_path, width)
    assert "failed" not in seen, seen
    assert any(str(run) in seen["tip"] for run in evidence.completed.run_id)
    assert seen["before"] == 0
    assert 0 < seen["after"] < seen["points"]
    assert seen["folded"] >= 5
    losses = evidence.completed.loss
    assert numbers.loss(losses.max()) in unescape(seen["most"])
    assert seen["wide"] <= 0
    assert set(seen["loaded_from"]) <= {"data", "file"}
    assert page.stat().st_size < 3e6


@pytest.mark.skipif(CHROMIUM is None, reason=WHY_NO_CHROMIUM)
def test_axe_finds_no_barrier_on_a_page_with_everything_open(evidence: Evidence, tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    page.write_text(html.render(build(evidence)).replace("<details ", "<details open "), encoding="utf-8")
    axe = Path(axe_core_python.__file__).with_name("axe.min.js").read_text(encoding="utf-8")
    seen = visit(page, f"{axe}; {EXAMINED}", tmp_path)
    assert "failed" not in seen, seen
    assert seen["barriers"] == []
    assert seen["passed"] > 20
