"""From the records of a search to its table, verdict and figure."""

import json
from pathlib import Path

from flopscape.config.study import Study
from flopscape.errors import FlopscapeError
from flopscape.figures.transfer import draw_to
from flopscape.outputs import write_text
from flopscape.plan.search import assumed_rows, search_rows, searched_rate
from flopscape.transfer.advice import snippet
from flopscape.transfer.grid import noise_of, table_of, widths_of
from flopscape.transfer.verdict import verdict


def run(study: Study, runs: Path, out: Path, seed: int = 0) -> str:
    """Judge a study's finished search; write `table.csv`, `verdict.json`, `figure.svg` and `.png` into `out`.

    Returns
    -------
    str
        The verdict in sentences, and the YAML that puts it into the study.

    Raises
    ------
    FlopscapeError
        The study has no `transfer`, records are missing or broken, or fewer than three rates of a size were completed.
    """
    assumed = {row.size["width"]: searched_rate(row) for row in assumed_rows(study)}
    rows = list({row.run_id: row for row in search_rows(study)}.values())
    table = table_of(rows, runs)
    widths = widths_of(table, rows, assumed)
    if few := [width.width for width in widths if len(width.losses) < 3]:
        raise FlopscapeError(f"transfer: fewer than three rates did not diverge at width {few[0]}; try lower rates")
    noise = noise_of(table, widths)
    judged = verdict(study, widths, noise, seed)
    judged |= {"study": study.title, "simulated": bool(table.simulated.all()), "n_runs": len(table)}
    judged |= {"unit": str(table.unit.iloc[0])}
    judged |= {"n_tokens": int(table.n_tokens.max()), "cpu_hours": float(table.cpu_hours.fillna(0.0).sum())}
    judged["training"] = snippet(study, judged)
    write_text(out / "table.csv", table.to_csv(index=False))
    write_text(out / "verdict.json", json.dumps(judged, indent=1, allow_nan=False) + "\n")
    draw_to(table, judged, out / "figure.svg")
    return "\n".join([*judged["sentences"], "", "training:", *(f"  {line}" for line in judged["training"].split("\n"))])
