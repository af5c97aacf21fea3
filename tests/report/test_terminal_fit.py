"""What `flopscape fit` prints of a fit whose numbers are all different."""

from pathlib import Path

from flopscape.records.fit_result import Estimate, Exclusion, FitResult
from flopscape.report.terminal import fit_text
from tests.report import different


def lines(fit: FitResult) -> list[str]:
    return fit_text(Path("f.json"), fit).splitlines()


def answered() -> FitResult:
    fit = different.vpnls()
    fit.status, fit.reason, fit.unit, fit.simulated = "ok", "sound", "image", True
    fit.exponents = {"a": Estimate(0.451, 0.41, 0.49), "b": Estimate(0.55)}
    fit.n_runs, fit.diagnostics = 31, {"n_rows": 93}
    fit.excluded = [Exclusion([f"run{i}" for i in range(7)], "a copy"), Exclusion(["x"], "status crashed")]
    fit.warnings = ["look out"]
    return fit


def test_the_answer_comes_with_intervals_rows_and_reasons() -> None:
    said = lines(answered())
    assert said[:2] == ["f.json: ok: sound", "a = 0.451 [0.410, 0.490], b = 0.550 (no interval)"]
    head = ["C, FLOPs", "N*, parameters", "D*, images", "images per parameter", "L*"]
    assert [cell.strip() for cell in said[2].split("  ") if cell.strip()] == head
    assert said[-4:] == [
        "used: 93 rows of 31 runs (SIMULATED)",
        "left out: 7 rows (run0, run1, run2, run3, run4 and 2 more): a copy",
        "left out: 1 row (x): status crashed",
        "warning: look out",
    ]


def test_every_asked_compute_has_a_line() -> None:
    fit = answered()
    assert len(lines(fit)) == 2 + 2 + len(fit.predictions) + 4
    assert len(fit.predictions) > 1


def test_a_refused_fit_has_its_reason_and_no_number() -> None:
    fit = answered()
    fit.status, fit.reason = "refused", "too few"
    assert lines(fit)[:2] == ["f.json: refused: too few", "used: 93 rows of 31 runs (SIMULATED)"]


def test_another_law_has_its_parameters() -> None:
    fit = answered()
    fit.exponents, fit.parameters, fit.predictions = None, {"scale": Estimate(1.25e16, 1e15, 3e16)}, []
    fit.diagnostics = {}
    assert lines(fit)[1:3] == ["scale = 1.25e+16 [1e+15, 3e+16]", "used: 31 rows (SIMULATED)"]
