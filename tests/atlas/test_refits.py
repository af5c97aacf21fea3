"""Tables of a mirror fitted again: a small made-up one, and the published one where it is there."""

import pytest

from flopscape.atlas.refits import refit, run
from flopscape.atlas.rows import SKIPPED
from flopscape.atlas.tables import TABLES
from flopscape.errors import FlopscapeError
from flopscape.records.stamps import read
from flopscape.runs.published import PUBLISHED
from tests.fitting.curve_tables import ladder
from tests.fitting.fit_tables import A_TRUE, MIRROR, isoflop_frame

needs_mirror = pytest.mark.skipif(
    not (MIRROR / "chinchilla_svg.csv").is_file(), reason="no published tables (set FLOPSCAPE_PUBLISHED)"
)


@pytest.fixture
def mirror(tmp_path):
    """A folder with made-up tables of Porian et al. and Gemstones, in the formats that theirs have."""
    isoflop_frame(seeds=2).to_csv(tmp_path / "porian.csv", index=False)
    theirs = {ours: name for ours, name in TABLES["gemstones"].columns.items()}
    ladder(sizes=9, points=20, sigma=0.003).rename(columns=theirs)[[*theirs.values()]].to_json(
        tmp_path / "gemstones.jsonl", orient="records", lines=True
    )
    return tmp_path


def test_a_table_of_budgets_is_fitted_compared_and_backtested(mirror):
    (line,) = refit("porian", mirror, ["approach2-seeds"], 40)
    cells = line.cells()
    assert (cells["method"], cells["options"], cells["n_rows"]) == ("approach2", "weights=seeds", 70)
    assert cells["a"] == pytest.approx(A_TRUE, abs=0.02)
    assert cells["a_low"] < cells["a"] < cells["a_high"]
    assert (cells["claim_a"], cells["claim"]) == (0.497, "Porian et al. 2024, tuned")
    assert cells["drift_a_percent"] == pytest.approx(100 * (cells["a"] / 0.497 - 1), abs=1e-5)
    assert cells["hidden"] > 0
    assert 0 <= cells["held_n_params"] <= cells["hidden"]
    assert cells["backtest"].startswith("without the largest budget")


def test_checkpoints_of_runs_are_fitted_by_the_hull_of_gemstones(mirror):
    (line,) = refit("gemstones", mirror, ["approach1-vertices"], 40)
    assert line.options == "rule=vertices"
    # The ends of the hull belong to one model each, over much compute here, and flatten the slope of 0.45.
    assert line.numbers["a"].estimate == pytest.approx(0.375, abs=0.01)
    assert line.claim.numbers["a"].estimate == 0.49938


def test_what_the_mirror_lacks_is_skipped_with_its_source_and_its_claim():
    lines = refit("muennighoff", None)
    assert {line.status for line in lines} == {SKIPPED}
    assert "datablations" in lines[0].reason
    assert lines[0].cells()["claim_alpha"] == 0.35266


def test_another_file_under_a_published_name_is_skipped_and_not_fitted(tmp_path):
    isoflop_frame().to_csv(tmp_path / "isoflops.csv", index=False)
    lines = refit("epochai", tmp_path)
    assert {line.status for line in lines} == {SKIPPED}
    assert "SHA-256" in lines[0].reason


def test_lines_of_another_file_of_the_mirror_or_of_other_fits_carry_another_stamp(mirror, tmp_path):
    def stamp(*fits):
        run("porian", tmp_path / "out.csv", mirror, fits, 40)
        return read(tmp_path / "out.csv")

    one, other = stamp("vpnls"), stamp("approach2")
    assert [name for name in one if one[name] != other[name]] == ["code", "options"]
    isoflop_frame(seeds=3).to_csv(mirror / "porian.csv", index=False)
    again = stamp("approach2")
    assert [name for name in again if again[name] != other[name]] == ["source"]


@pytest.mark.parametrize(
    ("name", "fits", "message"), [("kaplan", [], "no table 'kaplan'"), ("porian", ["x"], "by 'x'")]
)
def test_an_unknown_table_or_fit_names_the_known_ones(name, fits, message, tmp_path):
    with pytest.raises(FlopscapeError, match=message):
        run(name, tmp_path / "out.csv", None, fits)


def test_every_table_that_import_knows_is_in_the_atlas():
    assert {*PUBLISHED} <= {*TABLES}


@needs_mirror
def test_least_absolute_deviations_give_the_published_refit_of_chinchilla_back():
    without, with_them = refit("chinchilla", MIRROR, ["approach3-lad"], 20)
    assert (without.claim.name, without.n_rows) == ("Besiroglu et al. 2024", 240)
    assert abs(without.cells()["drift_a_percent"]) < 0.05
    assert abs(without.cells()["drift_E_percent"]) < 0.05
    assert (with_them.claim.name, with_them.n_rows) == ("Hoffmann et al. 2022, approach 3", 245)


@needs_mirror
def test_parabolas_give_the_published_law_of_llama_3_back():
    line = refit("llama_3_raw", MIRROR, ["approach2"], 20)[0]
    cells = line.cells()
    assert (line.n_rows, cells["claim_a"]) == (133, 0.463)
    assert abs(cells["drift_a_percent"]) < 0.1
    assert abs(cells["drift_n_params_percent"]) < 5
