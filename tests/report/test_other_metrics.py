"""Fits of other metrics than the study's loss stand in a section of their own, and are compared with nothing."""

import dataclasses
import math

import pandas as pd
import pytest

from flopscape.errors import FlopscapeError
from flopscape.figures.tables import read
from flopscape.records.fit_file import read_fit, write_fit
from flopscape.report.build import build
from flopscape.report.markdown import render
from flopscape.report.read import Sources, read_evidence


@pytest.fixture
def with_code(files, tmp_path):
    """The study's fits and one more, of the loss on another set: the same numbers under another name."""
    fits = [files["folder"] / f"fits/{name}.json" for name in ("approach2", "vpnls")]
    code = read_fit(fits[1])
    conventions = code.conventions | {"loss": "loss@code"}
    write_fit(dataclasses.replace(code, conventions=conventions), tmp_path / "code.json")
    return [*fits, tmp_path / "code.json"]


def test_a_fit_of_another_metric_has_a_section_and_stands_nowhere_else(files, with_code, study):
    sources = Sources("kjv-gpt", study.title, files["folder"] / "runs.csv", with_code, "approach2")
    text = render(build(read_evidence(sources)), files["folder"])
    before, _, rest = text.partition("## Other metrics")
    section, _, after = rest.partition("\n## ")
    assert "| code | loss@code | nats per token |" in section
    assert "compares them with the fits above" in section
    assert "code is ok:" in section
    assert "| code |" not in before + after
    plain = Sources("kjv-gpt", study.title, files["folder"] / "runs.csv", with_code[:2], "approach2")
    assert render(build(read_evidence(plain)), files["folder"]) == before + "## " + after


def test_figures_draw_no_fit_of_another_metric(files, with_code, study):
    assert list(read(files["folder"] / "runs.csv", None, with_code, "t").fits) == ["approach2", "vpnls"]


def test_a_recommendation_that_rests_on_another_metric_is_refused(files, with_code, study):
    sources = Sources("kjv-gpt", study.title, files["folder"] / "runs.csv", with_code, "code")
    with pytest.raises(FlopscapeError, match="report: fit code is of loss@code; recommend a fit of the loss"):
        read_evidence(sources)


def test_the_metrics_of_the_run_of_lowest_loss_stand_there_with_their_sampling_error(files, with_code, study, tmp_path):
    runs = pd.read_csv(files["folder"] / "runs.csv", dtype={"run_id": str})
    lowest = runs.loss.idxmin()
    scores = pd.Series(0.25, runs.index).where(runs.index == lowest, 0.125)
    columns = {"accuracy@own": scores, "accuracy@own_se": 0.01, "loss@code": 3.5, "bits_per_byte": math.nan}
    runs.assign(**columns).to_csv(tmp_path / "runs.csv", index=False)
    sources = Sources("kjv-gpt", study.title, tmp_path / "runs.csv", with_code[:2], "approach2")
    section = render(build(read_evidence(sources)), tmp_path).partition("## Other metrics")[2].partition("\n## ")[0]
    assert "| accuracy@own | share correct | 0.250 [0.230, 0.270] |" in section
    assert "| loss@code | nats per token | 3.500 (no interval) |" in section
    assert "| bits_per_byte | bits per byte | – |" in section
    assert f"Of run {runs.run_id[lowest]}, whose loss is the lowest" in section
