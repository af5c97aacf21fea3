"""Methods of a user's own, one with its own law, through a whole study: they are wherever the shipped ones are."""

import json
import shutil
from pathlib import Path

import pandas as pd

from flopscape.figures.names import FIGURES

HERE = Path(__file__).parent
TINY = "fits: [approach2, {name: vpnls, method: vpnls, bootstrap: 200}]\nrecommend: {flops: [1.0e+12], fit: approach2}"
OWN = """fits:
  - approach2
  - {name: mine, method: ridge, strength: 0.02, bootstrap: 200}
  - {name: product, method: powers, bootstrap: 200}
recommend: {flops: [1.0e+12], fit: mine}"""


def test_methods_of_ones_own_are_in_every_output_of_a_study(finished):
    for name in ("ridge.py", "powers.py"):
        shutil.copy(HERE / name, finished.folder)
    study = "config/studies/tiny.yaml"
    finished.edit(study, TINY, OWN)
    finished.edit(study, "answer_simulations: 2}", "answer_simulations: 2, own_simulations: 5}")
    finished.snakemake()
    folder = finished.folder / "results/tiny"

    fits = {name: json.loads((folder / f"fits/{name}.json").read_text()) for name in ("mine", "product")}
    assert {name: fit["method"] for name, fit in fits.items()} == {"mine": "ridge", "product": "powers"}
    assert "--method ridge --strength 0.02" in fits["mine"]["made_from"]["command"]

    varied = pd.read_csv(folder / "sensitivity.csv").set_index("setting")
    assert varied.loc["as it is", "method"] == "ridge"
    assert varied.loc["without the largest budget", "method"] == "ridge"

    assert set(pd.read_csv(folder / "backtest.csv").fit) == {"approach2", "mine", "product", "answer"}

    twin = pd.read_csv(folder / "twin/twin.csv")
    verdict = json.loads((folder / "twin/verdict.json").read_text())
    counts = twin.groupby("method")["simulations"].first()
    assert (counts["vpnls"], counts["mine"], counts["product"]) == (20, 5, 5)
    assert [(row["name"], row["fits"], row["failed"]) for row in verdict["one_by_one"]] == [
        ("answer", 10, 0), ("mine", 25, 0), ("product", 25, 0),
    ]  # fmt: skip

    report = (folder / "report.md").read_text()
    assert "L = floor + scale·(N·D)^−p" in report
    assert "mine (5 copies)" in report
    assert "product (5 copies)" in report
    assert "--method ridge --strength 0.02" in report
    drawn = {name: (folder / f"figures/{name}.svg").read_text() for name in FIGURES}
    assert all("mine" in drawn[name] for name in ("methods", "loss", "allocation", "residuals"))
    assert all("product" in drawn[name] for name in ("loss", "residuals"))
    assert "mine" in (folder / "twin/figure.svg").read_text()

    asked = finished.run("flopscape", "predict", str(folder / "fits/product.json"), "--flops", "1e11")
    assert asked.stdout.startswith("C, FLOPs"), asked.stderr
    served = ("--flops", "1e12", "--inference-tokens", "1e6")
    asked = finished.run("flopscape", "predict", str(folder / "fits/mine.json"), *served)
    assert asked.returncode == 0, asked.stderr

    after = {"backtest": 1, "prediction": 1, "twin": 1, "draw_figure": len(FIGURES)}
    after |= {"write_checklist": 1, "write_report": 1}
    assert finished.due() == {}
    module = finished.folder / "powers.py"
    module.write_text(module.read_text() + "\n\nUNUSED = 1\n")
    assert finished.due() == {"fit_runs": 1, **after}
