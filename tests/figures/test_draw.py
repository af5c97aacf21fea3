"""All figures: files, determinism, the simulated mark, and inputs with little in them."""

import dataclasses
import importlib
import itertools
import time
import xml.etree.ElementTree as ET
from pathlib import Path

import matplotlib
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from flopscape.errors import FlopscapeError
from flopscape.figures import draw, names
from flopscape.figures.style import RC
from flopscape.figures.tables import Tables, with_budgets
from flopscape.records.stamps import hash_of
from tests.figures import studies


def drawn(name: str, data: Tables) -> Figure:
    with matplotlib.rc_context(RC):
        return importlib.import_module(f"flopscape.figures.{name}").draw(data)


def words(figure: Figure) -> str:
    """All text on a figure."""
    return " ".join(text.get_text() for text in figure.findobj(matplotlib.text.Text))


@pytest.mark.parametrize("name", draw.FIGURES)
def test_a_figure_is_an_svg_with_a_png_beside_it(name: str, text_figures: dict[str, Path]) -> None:
    assert ET.parse(text_figures[name]).getroot().tag.endswith("svg")
    assert text_figures[name].with_suffix(".png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("name", draw.FIGURES)
def test_figures_of_a_simulated_study_say_so(name: str, text_figures: dict[str, Path]) -> None:
    assert "SIMULATED" in text_figures[name].read_text()


@pytest.mark.parametrize("name", draw.FIGURES)
def test_figures_of_a_trained_study_do_not_say_simulated(name: str) -> None:
    assert "SIMULATED" not in words(drawn(name, studies.text_study(simulated=False)))


@pytest.mark.parametrize("name", ["isoflop", "loss"])
def test_the_same_inputs_give_the_same_bytes(
    name: str, text_study: Tables, text_figures: dict[str, Path], tmp_path: Path
) -> None:
    fits = studies.write_study(text_study, tmp_path)
    inputs = (tmp_path / "runs.csv", tmp_path / "curves.parquet", fits, text_study.title)
    again = draw.run(name, *inputs, tmp_path / "again.svg")
    for path in again:
        assert path.read_bytes() == text_figures[name].with_suffix(path.suffix).read_bytes()


@pytest.mark.parametrize("name", draw.FIGURES)
def test_a_hostile_title_stays_text(name: str) -> None:
    title = "<script>alert(1)</script> $x^2$ & \x07"
    assert "<script>alert(1)</script> $x^2$ &" in words(drawn(name, studies.text_study(title=title)))


@pytest.mark.parametrize("name", ["isoflop", "allocation", "loss", "methods", "draws", "profile", "residuals"])
def test_a_refused_fit_is_named_with_its_reason(name: str, text_study: Tables) -> None:
    data = dataclasses.replace(text_study, fits={"approach2": studies.refused_fit()}, draws={})
    assert "approach2 refused: only 2 budgets are left" in " ".join(words(drawn(name, data)).split())


@pytest.mark.parametrize("name", draw.FIGURES)
def test_a_study_without_completed_runs_gets_a_sentence(name: str, text_study: Tables) -> None:
    runs = text_study.runs.assign(status="diverged", loss=np.nan)
    data = dataclasses.replace(text_study, runs=runs, fits={"vpnls": studies.refused_fit()})
    assert "No completed runs" in words(drawn(name, data))


@pytest.mark.parametrize("name", ["isoflop", "curves"])
def test_bare_runs_of_someone_else_are_drawn(name: str, tmp_path: Path) -> None:
    studies.large_runs()[["n_params", "n_tokens", "loss"]].to_csv(tmp_path / "runs.csv", index=False)
    paths = draw.run(name, tmp_path / "runs.csv", None, [], "Theirs", tmp_path / "figure.svg")
    assert all(path.is_file() for path in paths)


def test_budgets_that_a_fit_found_are_those_of_the_runs() -> None:
    runs = studies.large_runs()
    fit = studies.parabola_fit(runs, (1e22,), studies.LARGE)
    found = with_budgets(runs.assign(budget=np.nan, flops=runs.flops * 1.02), [fit])
    assert found.budget.tolist() == runs.budget.tolist()


@pytest.fixture(scope="module")
def many() -> Tables:
    runs = studies.many_runs(3000)
    fits = {"vpnls": studies.surface_fit(runs, (1e13,))}
    return Tables(runs, studies.curves_of(runs, points=10), fits, {}, "Many")


@pytest.mark.parametrize("name", ["isoflop", "curves", "residuals"])
def test_thousands_of_runs_are_drawn_in_seconds(name: str, many: Tables) -> None:
    started = time.process_time()
    drawn(name, many).draw_without_rendering()
    assert time.process_time() - started < 10


def test_an_unknown_figure_is_refused_by_name() -> None:
    with pytest.raises(FlopscapeError, match="isoflop, allocation"):
        draw.run("isoflap", "runs.csv", None, [], "", "out.svg")


def test_broken_curves_are_refused_by_file(tmp_path: Path) -> None:
    studies.grid_runs().to_csv(tmp_path / "runs.csv")
    (tmp_path / "curves.parquet").write_text("half a file")
    with pytest.raises(FlopscapeError, match=r"curves\.parquet: cannot be read"):
        draw.run("curves", tmp_path / "runs.csv", tmp_path / "curves.parquet", [], "", tmp_path / "out.svg")


@pytest.mark.parametrize("name", draw.FIGURES)
def test_a_study_of_images_is_labelled_in_images(name: str, text_study: Tables) -> None:
    data = dataclasses.replace(text_study, runs=text_study.runs.assign(unit="image"))
    labels = words(drawn(name, data))
    assert "image" in labels
    assert "token" not in labels


@pytest.mark.parametrize("name", ["methods", "draws", "profile", "sensitivity"])
def test_a_study_without_fits_gets_a_sentence(name: str, text_study: Tables) -> None:
    data = dataclasses.replace(text_study, fits={}, draws={}, sensitivity=None)
    assert "No fit" in words(drawn(name, data))


def test_a_sensitivity_table_without_its_columns_is_refused_by_file(tmp_path: Path) -> None:
    studies.grid_runs().to_csv(tmp_path / "runs.csv")
    inputs = (tmp_path / "runs.csv", None, [], "", tmp_path / "out.svg", tmp_path / "runs.csv")
    with pytest.raises(FlopscapeError, match=r"runs\.csv: no column what_changes, setting"):
        draw.run("sensitivity", *inputs)


def test_a_weak_fit_is_named_without_the_paragraph_of_its_reason(text_study: Tables) -> None:
    weak = dataclasses.replace(text_study.fits["vpnls"], status="weak", reason="for a long reason")
    text = words(drawn("methods", dataclasses.replace(text_study, fits=text_study.fits | {"vpnls": weak})))
    assert "vpnls is weak." in text
    assert "a long reason" not in text
    both = {name: dataclasses.replace(weak, method=name) for name in ("approach2", "vpnls")}
    assert "approach2 and vpnls are weak." in words(drawn("methods", dataclasses.replace(text_study, fits=both)))
    assert "other data and other architectures" in text


def test_a_table_without_a_loss_is_refused_by_file_and_column(tmp_path: Path) -> None:
    pd.DataFrame({"n_params": [1], "n_tokens": [2]}).to_csv(tmp_path / "runs.csv")
    with pytest.raises(FlopscapeError, match=r"runs\.csv: no column loss"):
        draw.run("isoflop", tmp_path / "runs.csv", None, [], "", tmp_path / "out.svg")


def test_curves_and_a_table_of_sensitivity_of_other_runs_are_refused_by_file(tmp_path: Path) -> None:
    study = studies.text_study()
    fits = studies.write_study(study, tmp_path)
    runs, curves = tmp_path / "runs.csv", tmp_path / "curves.parquet"
    study.curves.assign(run_id="of-another").to_parquet(tmp_path / "other.parquet")
    with pytest.raises(FlopscapeError, match=r"other\.parquet: run of-another is not in .*runs\.csv"):
        draw.run("curves", runs, tmp_path / "other.parquet", fits, "t", tmp_path / "a.svg")
    made = f"made-from[code=0123456789ab runs={hash_of(runs)}]"
    for stamp, refused in ((made, False), (made.replace("runs=", "runs=0"), True)):
        varied = tmp_path / "varied.csv"
        study.sensitivity.assign(made_from=stamp).to_csv(varied, index=False)
        arguments = ("sensitivity", runs, curves, fits, "t", tmp_path / "a.svg", varied)
        if refused:
            with pytest.raises(FlopscapeError, match=r"varied\.csv: not made from .*runs\.csv as it is now"):
                draw.run(*arguments)
        else:
            draw.run(*arguments)


def test_a_caption_is_all_that_makes_a_module_a_figure() -> None:
    """Every caption has a module that draws, and every module that draws the tables of a study has a caption."""
    folder = Path(names.__file__).parent
    drawing = {path.stem for path in folder.glob("*.py") if "def draw(data: Tables)" in path.read_text("utf-8")}
    assert drawing == set(names.FIGURES)


def test_the_labels_of_two_rows_of_residuals_do_not_meet_however_long_the_unit_of_the_loss(text_study: Tables) -> None:
    long = dataclasses.replace(text_study, runs=text_study.runs.assign(loss_unit="normalised nats per token"))
    figure = drawn("residuals", long)
    figure.draw_without_rendering()
    labels = [axes.yaxis.label for axes in figure.axes if axes.get_ylabel()]
    boxes = [label.get_window_extent() for label in labels]
    assert len(boxes) > 1
    assert not any(one.overlaps(other) for one, other in itertools.pairwise(boxes))
