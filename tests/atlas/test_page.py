"""The page of the atlas: built from the lines of its tables, whole without anything else."""

import re
from hashlib import sha256

import pandas as pd
import pytest

from flopscape.atlas.page import build
from flopscape.atlas.refits import run
from flopscape.atlas.rows import Row
from flopscape.atlas.tables import TABLES
from flopscape.atlas.write import lines_of, write_page
from flopscape.errors import FlopscapeError
from flopscape.records.backtest import Score
from flopscape.records.fit_result import Estimate
from flopscape.records.stamps import read
from flopscape.report.blocks import Bullets, Dots, Grid, Paragraph

HELD = Score("f", "m", 4, 3, 0.5, 0.1, 4, 2, 0.01, 0.005, 0.001, 9, 8, 2.0, 0)
NUMBERS = {"a": Estimate(0.55, 0.5, 0.7), "n_params": Estimate(8e10, 4e10, None)}


def row(fit="vpnls", status="ok", numbers=None, score=HELD, table="chinchilla", reason="r"):
    claim = TABLES[table].claim(fit, "some")
    said = ("chinchilla", "Chinchilla", "some", fit, "m", "", "", "6ND", 5.76e23, claim, status, reason, 240, "95 %")
    return Row(*said, NUMBERS if numbers is None else numbers, score)


def lines(*rows):
    return lines_of(pd.DataFrame([row.cells() for row in rows]))


def blocks(report, kind):
    return [
        block for block in [*report.answer, *(b for s in report.sections for b in s.blocks)] if isinstance(block, kind)
    ]


def test_claims_stand_above_the_refits_and_weak_fits_are_hollow():
    (picture,) = blocks(build(lines(row(), row("law-coupled", "weak"))), Dots)
    assert [(line.name, line.look) for line in picture.rows] == [
        ("Besiroglu et al. 2024", "claim"),
        ("vpnls", "sure"),
        ("law-coupled, weak", "doubtful"),
    ]


def test_a_larger_number_lies_farther_to_the_right_and_an_open_end_at_the_edge():
    (picture,) = blocks(build(lines(row())), Dots)
    claim, fit = (line.dots for line in picture.rows)
    assert claim[0].at < fit[0].at
    assert fit[0].low < fit[0].at < fit[0].high <= 100
    assert (fit[1].high, picture.lines) == (100.0, [claim[0].at, claim[1].at])
    assert "∞" in fit[1].text


def test_the_summary_counts_claims_inside_intervals_and_hidden_budgets_held():
    (summary, *_) = blocks(build(lines(row(), row(numbers={"a": Estimate(0.9, 0.8, 1.0)}))), Paragraph)
    assert "Of 2 refits with an interval 1 hold the published exponent" in summary.text
    assert "The farthest is vpnls" in summary.text
    assert "hold 75 % of N* and 50 % of L*" in summary.text


def test_the_summary_tells_the_answer_from_the_other_fits():
    best = Score("f", "m", 4, 4, 0.5, 0.1, 4, 4, 0.01, 0.005, 0.001, 9, 8, 2.0, 0)
    answer = {**lines(row("answer", score=best))[0], "method": "answer"}
    (summary, *_) = blocks(build([answer, *lines(row())]), Paragraph)
    assert "hidden from it the answer's 95 % intervals hold 100 % of N* and 100 % of L*" in summary.text
    assert "of the other fits hold 75 % of N* and 50 % of L*" in summary.text


def test_what_was_skipped_says_why_and_is_in_no_picture():
    report = build(lines(row(status="skipped", numbers={}, score=None, reason="no mirror is given")))
    assert not blocks(report, Dots)
    assert not blocks(report, Grid)
    assert "no mirror is given" in blocks(report, Bullets)[0].items[0]


def test_the_table_has_a_cell_for_each_column_and_names_how_c_is_counted_where_there_are_several_ways():
    one, other = lines(row(), row())
    (grid,) = blocks(build([one, {**other, "convention": "C = the stated budget; loss in nats"}]), Grid)
    assert [len(cells) for cells in grid.rows] == [len(grid.head)] * 2
    assert [cells[2] for cells in grid.rows] == ["some, 6ND", "some, C = the stated budget"]


def test_each_claim_is_told_once_with_the_place_where_it_is_printed():
    (sources, *_) = blocks(build(lines(row(), row("law-coupled"), row("approach2", table="epochai"))), Bullets)
    assert sources.items == [
        "Besiroglu et al. 2024: arXiv 2404.10102, Table 1; a and N* follow from it; intervals: 95 %, from the printed"
        " standard errors.",
        "Hoffmann et al. 2022, approach 2: arXiv 2203.15556, Table 2; N* is a label in Figure 3, as transcribed by"
        " notes on Stanford's course CS336; intervals: 10th to 90th percentile of resamples of 80 % of the data.",
    ]


def test_a_refused_fit_gives_its_reason_in_the_picture():
    (picture,) = blocks(build(lines(row(status="refused", numbers={}, score=None, reason="too few"))), Dots)
    assert [dot.text for dot in picture.rows[-1].dots] == ["too few", "–"]


def test_page_and_csv_are_written_whole_and_load_nothing(tmp_path):
    table = tmp_path / "porian.csv"
    pd.DataFrame([row().cells(), row("approach2").cells()]).to_csv(table, index=False)
    write_page([table], tmp_path / "atlas.html")
    page = (tmp_path / "atlas.html").read_text()
    assert not re.search(r"<(script|link|img|iframe)|url\((?!#)", page)
    assert "default-src 'none'" in page
    assert page.count('class="dotrow') == 5
    assert len(pd.read_csv(tmp_path / "atlas.csv")) == 2
    assert "| vpnls |" in (tmp_path / "atlas.md").read_text()


def test_without_a_mirror_there_is_a_page_of_what_is_needed(tmp_path):
    parts = [tmp_path / f"{name}.csv" for name in ("chinchilla", "gemstones")]
    for part in parts:
        assert "skipped: no mirror is given" in run(part.stem, part)
    write_page(parts, tmp_path / "atlas.html")
    page = (tmp_path / "atlas.html").read_text()
    assert "No published table is here" in page
    assert "gemstone-scaling-laws" in page


def test_every_line_and_the_page_say_what_they_were_made_from(tmp_path):
    parts = [tmp_path / f"{name}.csv" for name in ("muennighoff", "porian")]
    for part in parts:
        run(part.stem, part)
    write_page(parts, tmp_path / "atlas.html")
    lines = pd.read_csv(tmp_path / "atlas.csv")
    stamps = lines.groupby("table")["made_from"].unique()
    assert [len(each) for each in stamps] == [1, 1]
    assert all(re.fullmatch(r"made-from\[code=\w+ options=\w+ python=\d+\]", each[0]) for each in stamps)
    assert stamps["muennighoff"][0] != stamps["porian"][0]
    beside = sha256((tmp_path / "atlas.csv").read_bytes()).hexdigest()[:16]
    for name in ("atlas.html", "atlas.md"):
        assert read(tmp_path / name)["table"] == beside


def test_a_file_that_is_no_table_of_the_atlas_is_named(tmp_path):
    (tmp_path / "runs.csv").write_text("loss\n1\n")
    with pytest.raises(FlopscapeError, match="has no column claim"):
        write_page([tmp_path / "runs.csv"], tmp_path / "atlas.html")
