"""`import flopscape as fs`: the names that there are, which load nothing before they are used, and their types."""

import ast
import inspect
import json
import subprocess
import sys
from pathlib import Path

import pytest

import flopscape as fs
from flopscape.fingerprint import _closure, fingerprint

PACKAGE = Path(fs.__file__).parent
SIGNATURES = {
    "backtest": "runs method fits bootstrap seed seeds exclude min_flops columns out progress options",
    "compare": "recipes flops pairs same_text columns exclude results csv out",
    "fit": "runs method flops bootstrap seed seeds exclude min_flops columns curves name out options",
    "fit_all": "runs fits flops bootstrap seed columns progress rows",
    "import_runs": "source columns run_id exclude lowest mirror curves out folder",
    "plan": "study results config prices cores",
    "price": "study where",
    "read_fit": "path runs",
    "read_runs": "source columns",
    "read_study": "path",
    "results": "folder",
    "twin": "runs flops surface noise simulations seed bootstrap fits own_simulations answer_simulations "
    "among_fits validation out",
}
CLASSES = {
    "Backtest": "plot scores summary to_frame",
    "Comparison": "plot summary to_frame to_json verdicts",
    "Fit": "exponents parameters plot predict reason status summary to_frame trust warnings",
    "Fits": "get items keys plot predict summary to_frame values",
    "FlopscapeError": "add_note with_traceback",
    "Imported": "plot summary to_frame",
    "Plan": "coverage plot price refused summary to_csv to_frame to_json",
    "Predictions": "plot summary to_frame",
    "Price": "plot priced summary to_frame total",
    "Results": "answer backtest curves figures fits name plot predict report runs summary to_frame twin",
    "Runs": "name plot summary table_with tables to_frame",
    "Study": "summary to_yaml write",
    "Twin": "plot scenarios summary to_frame",
}
USER = """
import pandas as pd
import flopscape as fs
from matplotlib.axes import Axes

runs = fs.read_runs(pd.DataFrame({"n_params": [1e6], "n_tokens": [2e7], "loss": [3.1]}))
fit: fs.Fit = fs.fit(runs, "vpnls", flops=1e22, bootstrap=200)
table: pd.DataFrame = fit.predict(flops=[1e23, 1e24]).to_frame()
axes: Axes = fit.plot()
status: str = fit.status
try:
    fs.read_fit("fit.json")
except fs.FlopscapeError as error:
    print(error)
"""


def test_the_public_names_and_their_parameters_are_these():
    assert sorted(fs.__all__) == sorted({**SIGNATURES, **CLASSES})
    assert {name: " ".join(inspect.signature(getattr(fs, name)).parameters) for name in SIGNATURES} == SIGNATURES
    for name, members in CLASSES.items():
        public = [member for member in dir(getattr(fs, name)) if not member.startswith("_") and member != "args"]
        fields = getattr(getattr(fs, name), "__dataclass_fields__", {})
        assert [member for member in public if member not in fields] == members.split()
    assert {*dir(fs)} == {*fs.__all__, "__version__"}


def test_type_checkers_see_each_name_where_it_is_loaded_from():
    tree = ast.parse((PACKAGE / "__init__.py").read_text())
    [hidden] = [node for node in tree.body if isinstance(node, ast.If)]
    imports = [node for node in hidden.body if isinstance(node, ast.ImportFrom) and node.module != "types"]
    seen = {alias.asname: node.module for node in imports for alias in node.names}
    assert seen == fs._MODULES


def test_every_public_name_says_what_it_is_for():
    assert [name for name in fs.__all__ if not (getattr(fs, name).__doc__ or "").strip()] == []


def test_an_unknown_name_is_no_attribute():
    with pytest.raises(AttributeError, match="module 'flopscape' has no attribute 'fitt'"):
        _ = fs.fitt


def test_a_folder_that_is_a_verb_too_is_called_and_imported_from():
    code = (
        "import flopscape.twin.summary as summary, flopscape.plan.price, flopscape as fs; "
        "print(callable(fs.twin), fs.twin is flopscape.twin, flopscape.twin.summary is summary, callable(fs.plan), "
        "fs.twin.__doc__[:8])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True", "True", "True", "True", "Simulate"]
    assert "simulations" in inspect.signature(fs.twin).parameters


def test_importing_the_package_loads_no_other_module():
    code = "import sys; before = {*sys.modules}; import flopscape; print(sorted({*sys.modules} - before))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['flopscape']"


def test_no_code_outside_the_command_line_is_tied_to_the_names():
    paths = [path.relative_to(PACKAGE).with_suffix("") for path in PACKAGE.rglob("*.py")]
    modules = [".".join(("flopscape", *path.parts)) for path in paths if path.parts[0] not in ("api", "cli")]
    modules = [name.removesuffix(".__init__") for name in modules if name != "flopscape.__main__"]
    assert len(modules) > 300
    assert [name for name in _closure(tuple(modules)) if name.startswith("flopscape.api")] == []
    assert fingerprint("flopscape") != ""


@pytest.mark.parametrize("code", [USER, USER.replace("status: str", "status: int")], ids=["right", "wrong"])
def test_the_file_of_a_user_is_checked_strictly(code, tmp_path):
    (tmp_path / "user.py").write_text(code)
    # From the checkout's root, whose configuration and cache `make check` has used.
    command = [sys.executable, "-m", "mypy", "--strict", "--output", "json", str(tmp_path / "user.py")]
    try:
        done = subprocess.run(command, cwd=PACKAGE.parents[1], capture_output=True, text=True, timeout=20)
    except subprocess.TimeoutExpired:
        pytest.skip("mypy has not looked at the package yet: run `make check` before")
    errors = [json.loads(line)["code"] for line in done.stdout.splitlines() if line.startswith("{")]
    assert errors == ([] if code == USER else ["assignment"]), done.stdout + done.stderr
