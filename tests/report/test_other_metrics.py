"""Fits of other metrics than the study's loss stand in a section of their own, and are compared with nothing."""

import dataclasses

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
