"""Every number of a report stands in its place: literals against evidence in which no two numbers are alike."""

from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from flopscape.answers.predict import predict
from flopscape.answers.serving import predict_inference
from flopscape.records.fit_result import Estimate
from flopscape.report import after_run, html, markdown, summary, twin
from flopscape.report.blocks import Grid
from flopscape.report.build import build
from flopscape.report.doubts import doubts
from flopscape.report.terminal import _served, fit_text, sensitivity_text, served_head
from tests.report import different

OPTIMA = ["C, FLOPs", "N*, parameters", "D*, tokens", "tokens per parameter", "L*, nats per token"]
OF_VPNLS = [
    ["2×10¹³", "41.5 k [37.1 k, 46.2 k]", "6.13 M [5.61 M, 7.02 M]", "148 [121, 189]", "2.345 [2.301, 2.389]"],
    ["7×10¹⁴", "212 k [171 k, 263 k]", "18.4 M [12.9 M, 27.3 M]", "87.1 [53.2, 131]", "1.987 [1.902, 2.071]"],
]
OF_APPROACH2 = [
    ["2×10¹³", "55.5 k [50.1 k, 61.2 k]", "4.44 M [4.04 M, 4.89 M]", "80.1 [65.1, 97.1]", "2.355 [2.311, 2.399]"],
    ["7×10¹⁴", "315 k [241 k, 412 k]", "12.3 M [9.99 M, 15.1 M]", "39.1 [24.1, 62.1]", "1.968 [1.901, 2.035]"],
]
TABLES = {
    "Recommendation": [[OPTIMA, *OF_VPNLS]],
    "What others would have told you": [
        [
            ["fit", "status", *OPTIMA[1:3], OPTIMA[4]],
            ["vpnls", "weak", *OF_VPNLS[0][1:3], OF_VPNLS[0][4]],
            ["approach2", "ok", *OF_APPROACH2[0][1:3], OF_APPROACH2[0][4]],
            ["kaplan", "boundary", "–", "–", "–"],
            ["approach1", "refused", "–", "–", "–"],
        ]
    ],
    "Fits": [
        [
            ["fit", "status", "method", "objective", "runs"],
            ["vpnls", "weak", "vpnls", "lsq", "9"],
            ["approach2", "ok", "approach2", "parabola", "8"],
            ["kaplan", "boundary", "law", "log_lsq", "7"],
            ["approach1", "refused", "approach1", "hull", "6"],
        ],
        [
            ["fit", "a in N* ∝ C^a", "b in D* ∝ C^b"],
            ["vpnls", "0.457 [0.417, 0.497]", "0.543 [0.503, 0.583]"],
            ["approach2", "0.612 [0.562, 0.662]", "0.391 [0.344, 0.438]"],
        ],
        [["fit", *OPTIMA], ["approach2", *OF_APPROACH2[1]]],
        [
            ["fit", "E", "A", "B", "α", "β"],
            [
                "vpnls", "1.110 [1.010, 1.210]", "222 [202, 242]", "3.33 k [3.03 k, 3.63 k]", "0.341 [0.321, 0.361]",
                "0.287 [0.267, 0.307]",
            ],
        ],
        [
            ["fit", "α_N", "N_c", "α_D", "D_c"],
            [
                "kaplan", "0.076 [0.071, 0.081]", "88.0 T [77.0 T, 99.0 T]", "0.095 [0.090, 0.100]",
                "54.0 T [43.0 T, 65.0 T]",
            ],
        ],
        [
            [
                "fit", "typical error, part of the loss", "residual s.d., nats per token",
                "s.d. between seeds, nats per token", "largest budget, predicted from the others",
            ],
            ["vpnls", "1.23 %", "0.0345", "0.0456", "loss off by 0.0567 r.m.s."],
            ["approach2", "–", "0.0234", "–", "N* off by a factor 1.50"],
        ],
        [
            ["published", "a", "b", "source"],
            ["Kaplan et al. 2020", "0.73", "0.27", "arXiv 2001.08361, as in Table 2 of Hoffmann et al. 2022"],
            ["Hoffmann et al. 2022, approach 1", "0.5", "0.5", "arXiv 2203.15556, Table 2"],
            ["Hoffmann et al. 2022, approach 2", "0.49", "0.51", "arXiv 2203.15556, Table 2"],
            ["Hoffmann et al. 2022, approach 3", "0.46", "0.54", "arXiv 2203.15556, Table 2"],
            [
                "Besiroglu et al. 2024, approach 3", "0.513", "0.487",
                "arXiv 2404.10102: β/(α + β) of its α = 0.3478, β = 0.3658",
            ],
            [
                "Grattafiori et al. 2024 (Llama 3)", "0.47", "0.53",
                "arXiv 2407.21783, section 3.2.1: 1 − 0.53 of D* ∝ C^0.53",
            ],
        ],
    ],
    "What the answer rests on": [
        [
            ["what changes", "setting", "runs", "status", "a", "D* at 2×10¹³ FLOPs", "change of D*"],
            ["base", "as it is", "9", "weak", "0.457 [0.417, 0.497]", "6.13 M", "+0.0 %"],
            ["objective", "huber", "10", "ok", "0.471 [0.431, 0.511]", "5.05 M", "-17.6 %"],
            ["rows", "without one", "5", "refused", "–", "–", "–"],
        ]
    ],
    "What happened to the forecast": [
        [
            ["what", "expected", "came", "came over expected"],
            ["N* at 2×10¹³ FLOPs", "within a factor 1.51 (1.34 to 1.88)", "–", "–"],
            ["L* at 2×10¹³ FLOPs", "within 1.9 % (1.1 to 3.3 %)", "–", "–"],
            ["runs", "15", "11 completed, 2 diverged and 1 skipped", "0.733"],
            ["FLOPs", "9.1×10¹²", "2.17×10¹³", "2.38"],
            ["CPU-hours", "1.30 h", "3.50 h", "2.69"],
            ["money", "$1.90", "$4.90", "2.58"],
            ["one run after the other", "24 min 00 s", "5 min 36 s", "0.233"],
        ]
    ],
    "What was run": [
        [
            [
                "budget, FLOPs", "runs", "completed", "sizes", "seeds", "tokens planned", "tokens seen", "FLOPs",
                "time",
            ],
            ["10¹²", "7", "5", "2 (1.00 k to 4.00 k)", "4", "7.00 k", "5.70 k", "5.7×10¹²", "1 min 10 s"],
            ["3×10¹²", "5", "4", "3 (2.00 k to 8.00 k)", "2", "15.0 k", "12.0 k", "1.2×10¹³", "3 min 20 s"],
            ["no budget", "2", "2", "1 (500 to 500)", "2", "5.00 k", "4.80 k", "4×10¹²", "1 min 06 s"],
            ["total", "14", "11", "6 (500 to 8.00 k)", "7", "27.0 k", "22.5 k", "2.17×10¹³", "5 min 36 s"],
        ]
    ],
}  # fmt: skip
SENTENCES = [
    "**At 2×10¹³ FLOPs train 41.5 k [37.1 k, 46.2 k] parameters on 6.13 M [5.61 M, 7.02 M] tokens;"
    " expect a loss of 2.345 [2.301, 2.389] nats per token.**",
    "**Status weak, the answer is poorly determined: its standard error is 0.12.**",
    "From the fit vpnls; 95 % intervals: profile F.",
    "- At 2×10¹³ FLOPs every size from 33.0 k to 52.0 k parameters",
    "- At 7×10¹⁴ FLOPs every size from 160 k to 290 k parameters",
    "- vpnls is weak: its standard error is 0.12.",
    "- approach2 is ok: the global optimum was reached",
    "- kaplan is boundary: N_c is at its bound.",
    "- approach1 refused: no curves.",
    "- vpnls, approach2: only 11 runs.",
    "- approach2: lies ×2 above the sampled sizes.",
    "- without one: only 5 runs.",
    "- The runs spent 2.38 times the FLOPs of the plan.",
    "- CPU-hours came out as 2.69 times what was expected: a run made 6.46×10¹⁰ FLOP/s, its start included,"
    " where the first guess is 6.32×10⁹.",
    "- Compute: 3.50 h of CPU, 8.40 h of GPU, $4.90.",
    "- Held-out set: 4.10 k tokens; its sampling error, common to all runs, is 0.00550 nats.",
    "- Coverage of the sweep: fair.",
    "- r05, r06 diverged: loss is not finite.",
    "- r11 skipped: too large for this machine.",
    "- vpnls, below the floor of C: 2 runs (r02, r03).",
    "- tokens: 500 train, 77 heldout",
    "- recipe: 3",
    "- vpnls: fitted table aaaaaaaaaaaa",
]
DOUBTS = [
    # Of ln D* from 6.13 M: half of ln(7.02/5.61) is 0.112, and 36.8 k times the data is a factor 9.2 k beyond 4 epochs.
    ("D* at 2×10¹³ and 7×10¹⁴ FLOPs is up to 36,800 times the training data", 81.4),
    # Of ln N* from 212 k: half of ln(263/171) is 0.2152; ln(212/8) is 3.277.
    ("N* at 2×10¹³ and 7×10¹⁴ FLOPs lies outside the trained sizes, 500 to 8.00 k, up to a factor 26.5", 15.2),
    # Of two optima one at the edge: half of ln(4000/1000).
    ("The optimum may lie beyond the sizes that were trained: the largest size is the best at 10¹² FLOPs", 6.32),
    # Student's t of one degree of freedom, 12.706/1.96 − 1.
    ("The growth of N* with compute rests on 2 budgets, fewer than 5", 5.48),
    # ln(55.5/41.5) over half of ln(46.2/37.1).
    ("approach2, which no hidden budget has tested, puts N* outside the interval.", 2.65),
    # ln(1 − 0.176).
    ("By huber D* would change by -17.6 %, out of the interval; no hidden budget has tested that method.", 1.73),
    # 0.06·ln 233.3 over 0.2152, more than 0.06·ln 6.67 over 0.1097.
    ("2×10¹³ and 7×10¹⁴ FLOPs are up to a factor 233 beyond the budgets that were run", 1.52),
    ("6 runs saw the data more than 4 times, up to 6", 6 / 11),
    # Eleven runs at six points leave 5 degrees of freedom.
    (
        "5 of 6 combinations of size and budget have fewer than 3 seeds: the noise is known from the points",
        10**-0.5,
    ),
    ("3 of 14 runs did not complete", 3 / 14),
]


@pytest.fixture(scope="module")
def pages() -> tuple[str, str]:
    report = build(different.evidence())
    return markdown.render(report, Path()), html.render(report)


def grids(text: str) -> list[list[list[str]]]:
    """The cells of every table of a Markdown text."""
    blocks = [block.splitlines() for block in text.strip().replace("\\*", "*").split("\n\n") if block.startswith("| ")]
    return [[line.strip("| ").split(" | ") for line in [block[0], *block[2:]]] for block in blocks]


class Cells(HTMLParser):
    """The cells of every table of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tables: list[list[list[str]]] = []
        self.inside = False
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: object) -> None:
        if tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append([])
        elif tag in ("td", "th"):
            self.tables[-1][-1].append("")
            self.inside = True

    def handle_endtag(self, tag: str) -> None:
        self.inside = self.inside and tag not in ("td", "th")

    def handle_data(self, data: str) -> None:
        if self.inside:
            self.tables[-1][-1][-1] += data


@pytest.mark.parametrize("section", TABLES)
def test_every_cell_of_a_section_s_tables_is_in_its_row_and_column(section: str, pages: tuple[str, str]) -> None:
    assert grids(pages[0].split(f"\n## {section}\n")[1].split("\n## ")[0]) == TABLES[section]


def test_the_page_has_the_tables_of_the_text(pages: tuple[str, str]) -> None:
    tables = [table for table in Cells(pages[1]).tables if table[0][0] != "run"]
    assert len(tables) == 13
    assert [[[cell.strip() for cell in row] for row in table] for table in tables] == grids(pages[0])


def test_the_page_has_a_row_of_numbers_for_every_run(pages: tuple[str, str]) -> None:
    (table,) = [table for table in Cells(pages[1]).tables if table[0][0] == "run"]
    assert len(table) == 1 + 14
    assert table[0] == ["run", "status", "C, FLOPs", "N", "D, tokens", "loss, nats per token", "seed", "time"]
    assert table[6] == ["r05", "diverged", "4×10¹¹", "4.00 k", "400", "–", "1", "10 s"]
    assert table[10] == ["r09", "completed", "3×10¹²", "6.00 k", "3.00 k", "2.630", "5", "50 s"]


@pytest.mark.parametrize("sentence", SENTENCES)
def test_every_sentence_has_its_numbers(sentence: str, pages: tuple[str, str]) -> None:
    assert f"\n{sentence}" in pages[0]


def test_every_doubt_has_its_numbers_and_there_is_no_other() -> None:
    found = doubts(different.evidence())
    assert [doubt.text[: len(start)] for doubt, (start, _) in zip(found, DOUBTS, strict=True)] == [t for t, _ in DOUBTS]
    assert [doubt.size for doubt in found] == pytest.approx([size for _, size in DOUBTS], rel=2e-3)


def test_a_seed_that_ran_twice_counts_once() -> None:
    evidence = different.evidence()
    evidence.runs.loc[evidence.runs.n_params == 1000, "seed"] = 7
    assert any("All 6 combinations" in doubt.text for doubt in doubts(evidence))


@pytest.mark.parametrize("words", ["any other warning", "extrapolates ×3", "left out budget", "the sampled sizes"])
def test_no_warning_of_a_fit_is_kept_back_but_those_that_other_sections_give(words: str) -> None:
    evidence = different.evidence()
    evidence.fit.warnings.append(f"these are {words} of a fit")
    assert f"- vpnls: these are {words} of a fit." in markdown.render(build(evidence), Path())


def test_the_summary_on_the_terminal_has_every_number_in_its_column() -> None:
    text = after_run.summary("mine", "vpnls", different.vpnls(), "token", "nats per token").splitlines()
    assert [" ".join(line.split()) for line in text] == [
        "", "Recommendation of study mine", " ".join(OPTIMA), text[3], *map(" ".join, OF_VPNLS),
        *(sentence.strip("*") for sentence in SENTENCES[:2]),
    ]  # fmt: skip


def test_the_twin_s_table_has_every_number_in_its_column_and_how_many_copies_a_method_of_ones_own_had() -> None:
    judged = different.twin()
    judged.verdict["methods"].append(judged.verdict["methods"][0] | {"method": "mine", "simulations": 50})
    paragraph, grid, _ = twin.blocks(judged)
    assert isinstance(grid, Grid)
    assert dict(zip(grid.head, grid.rows[0], strict=True)) == {
        "method": "vpnls", "bias of N*": "+11 ± 1 %", "SD": "22 %", "RMSE": "35 %", "coverage": "80 ± 2 %",
        "RMSE, possible laws": "65 %", "coverage, possible laws": "60 ± 5 %", "RMSE, all truths": "×1.25 ± 0.07",
        "fits that fail": "1.5 %",
    }  # fmt: skip
    assert grid.note.startswith("N* at 2×10¹³ FLOPs")
    assert paragraph.text == "vpnls is to be trusted. 321 simulated copies of this study from the fit vpnls."  # type: ignore[union-attr]
    assert [row[0] for row in grid.rows] == ["vpnls", "mine (50 copies)"]


def test_the_sensitivity_table_on_the_terminal_has_every_number_in_its_column() -> None:
    table = different.sensitivity().assign(**{f"n_params@{flops!r}": 1e4 * flops / 1e13 for flops in different.ASKED})
    lines = [
        [cell.strip() for cell in line.split("  ") if cell.strip()] for line in sensitivity_text(table).splitlines()
    ]
    assert lines[0] == ["changed", "setting", "runs", "a", "N* at 2×10¹³ FLOPs", "D*", "status"]
    assert lines[2:5] == [
        ["base", "as it is", "9", "0.457 [0.417, 0.497]", "20.0 k", "6.13 M", "weak"],
        ["objective", "huber", "10", "0.471 [0.431, 0.511]", "20.0 k", "5.05 M", "ok"],
        ["rows", "without one", "5", "–", "20.0 k", "–", "refused"],
    ]
    assert lines[5:] == [["weak: as it is: only 5 runs"], ["refused: without one: only 5 runs"]]


@pytest.fixture(scope="module")
def known() -> tuple[different.FitResult, pd.DataFrame]:
    """L = 1 + 400·N^−½ + 100·D^−½ and C = 6ND: N* = 4·(C/6)^½; A drawn from 0.8 to 1.3 times its value, evenly."""
    fit = different.vpnls()
    fit.surface = {
        "E": Estimate(1),
        "A": Estimate(400),
        "B": Estimate(100),
        "alpha": Estimate(0.5),
        "beta": Estimate(0.5),
    }
    draws = pd.DataFrame({"E": 1.0, "A": 400 * np.linspace(0.8, 1.3, 1001), "B": 100.0, "alpha": 0.5, "beta": 0.5})
    return fit, draws


def test_predict_prints_optimum_and_percentiles_of_the_draws(known: tuple[different.FitResult, pd.DataFrame]) -> None:
    """The draws' 2.5 and 97.5 % are 0.8125 and 1.2875 times A, N* ∝ A, D* ∝ 1/A, L* = 1 + 0.4·√(A/400)."""
    assert summary.row(predict(*known, [6e12])[0]) == [
        "6×10¹²", "4.00 M [3.25 M, 5.15 M]", "250 k [194 k, 308 k]", "0.0625 [0.0377, 0.0947]", "1.400 [1.361, 1.454]",
    ]  # fmt: skip
    assert summary.row(predict(*known, [6e12], 2e6)[0]) == [
        "6×10¹²",
        "2.00 M",
        "500 k",
        "0.250",
        "1.424 [1.371, 1.506]",
    ]


def test_serving_three_times_the_training_tokens_makes_both_cost_the_same(
    known: tuple[different.FitResult, pd.DataFrame],
) -> None:
    """At D_inference = 3·D, A·N^−½ = 2·B·D^−½, so N = 4·D; alone N = 16·D, which here costs 3.852e12 FLOPs in all."""
    found = predict_inference(*known, 7.5e5, loss=1.6)
    expected = [1e6, 2.5e5, 1.6, 1.5e12, 1.5e12, 1 - 3 / 3.8518518518518516]
    numbers = (found.n_params, found.n_tokens, found.loss, found.training, found.serving, found.saved)
    assert [number.estimate for number in numbers] == pytest.approx(expected, rel=1e-9)
    cells = [cell.partition(" [")[0] for cell in _served(found)]
    assert dict(zip(served_head("token"), cells, strict=True)) == {
        "served tokens": "750 k", "N, parameters": "1.00 M", "D, tokens": "250 k", "L": "1.600",
        "training, FLOPs": "1.5×10¹²", "serving, FLOPs": "1.5×10¹²", "saved": "22.1 %",
    }  # fmt: skip


def test_what_fit_prints_has_every_number_in_its_place() -> None:
    fit = different.vpnls()
    fit.diagnostics["n_rows"] = 23
    text = fit_text(Path("fit.json"), fit).splitlines()
    assert [" ".join(line.split()) for line in text] == [
        "fit.json: weak: its standard error is 0.12",
        "a = 0.457 [0.417, 0.497], b = 0.543 [0.503, 0.583]",
        "C, FLOPs N*, parameters D*, tokens tokens per parameter L*", text[3], *map(" ".join, OF_VPNLS),
        "used: 23 rows of 9 runs", text[7], "warning: only 11 runs",
    ]  # fmt: skip
    assert text[7].startswith("left out: ")
    assert "below the floor of C" in text[7]
