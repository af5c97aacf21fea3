"""What the file of a fit keeps of the table, options, code and draws that it was made from."""

import hashlib
import shlex
from pathlib import Path

import pytest

from flopscape.answers.predict import read_with_draws
from flopscape.cli.app import app
from flopscape.config.fits import Fit
from flopscape.dag.commands import asked_options
from flopscape.errors import FlopscapeError
from flopscape.fingerprint import fingerprint
from flopscape.fitting.common.draws_file import read_fits
from flopscape.fitting.fit import run
from flopscape.records.fit_file import read_fit
from tests.figures import studies


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    studies.text_runs(seeds=1).to_csv(tmp_path / "runs.csv", index=False)
    return tmp_path / "runs.csv"


def test_a_fit_keeps_hashes_of_what_it_read_and_of_its_draws(runs: Path) -> None:
    made = run(runs, runs.with_name("f.json"), "vpnls", bootstrap=100).made_from
    assert made["table"] == hashlib.sha256(runs.read_bytes()).hexdigest()
    assert made["draws"] == hashlib.sha256(runs.with_name("f.draws.parquet").read_bytes()).hexdigest()
    assert made["code"] == fingerprint("flopscape.fitting.fit", "flopscape.fitting.vpnls")
    assert "curves" not in made


def test_the_command_in_a_fit_makes_the_same_fit_again(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    options = {"objective": "huber", "delta": 2e-3, "exclude": "n_params < 1e5 and loss > 0", "min_flops": 1e9}
    first = run(runs, runs.with_name("a b.json"), "approach3", flops=[1e13], bootstrap=100, seed=3, **options)
    before = runs.with_name("a b.json").read_bytes()
    runs.with_name("a b.json").unlink()
    monkeypatch.chdir(runs.parent)
    app(shlex.split(first.made_from["command"])[1:], standalone_mode=False)
    assert runs.with_name("a b.json").read_bytes() == before


def test_a_study_knows_the_options_of_its_fits(runs: Path) -> None:
    fit = Fit(name="f", method="approach3", delta="scaled", seed=2, bootstrap=150, min_flops=10**9)
    made = run(
        runs, runs.with_name("f.json"), "approach3", flops=[1e13], bootstrap=150, seed=2, delta="scaled", min_flops=1e9
    )
    assert read_fit(runs.with_name("f.json")).made_from == made.made_from
    assert made.made_from["options"] == asked_options(fit, [1e13])
    assert made.made_from["options"] != asked_options(fit, [1e14])


def test_fits_with_dots_in_their_names_keep_their_own_draws(runs: Path) -> None:
    for name, seed in (("f.all", 0), ("f.small", 1), ("f.json", 2)):
        run(runs, runs.with_name(name), "vpnls", bootstrap=100, seed=seed)
    names = {path.name for path in runs.parent.glob("*.parquet")}
    assert names == {"f.all.draws.parquet", "f.small.draws.parquet", "f.draws.parquet"}
    assert not read_with_draws(runs.with_name("f.all"))[1].equals(read_with_draws(runs.with_name("f.small"))[1])


def test_draws_of_another_fit_are_refused_by_name(runs: Path) -> None:
    for seed in (0, 1):
        run(runs, runs.with_name(f"{seed}.json"), "vpnls", bootstrap=100, seed=seed)
    runs.with_name("1.draws.parquet").replace(runs.with_name("0.draws.parquet"))
    with pytest.raises(FlopscapeError, match=r"0\.draws\.parquet: .* of another fit; run the fit again"):
        read_with_draws(runs.with_name("0.json"))
    with pytest.raises(FlopscapeError, match=r"1\.draws\.parquet: .* not there; run the fit again"):
        read_with_draws(runs.with_name("1.json"))


@pytest.mark.parametrize("option", ["min_flops", "delta"])
def test_an_option_that_is_no_number_is_refused(option: str, runs: Path) -> None:
    with pytest.raises(FlopscapeError, match=f"{option}: nan is no finite number"):
        run(runs, runs.with_name("f.json"), "approach3", **{option: float("nan")})


def test_fits_go_by_their_whole_names(runs: Path) -> None:
    paths = [runs.with_name(name) for name in ("f.all", "f.small", "g.json")]
    for path in paths:
        run(runs, path, "vpnls", bootstrap=100)
    assert list(read_fits(paths)) == ["f.all", "f.small", "g"]
    with pytest.raises(FlopscapeError, match=r"g\.json: a second fit of the name g"):
        read_fits([*paths, paths[2]])
