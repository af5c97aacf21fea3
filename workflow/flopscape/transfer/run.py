"""From the records of a search to its table, verdict and figure: what `flopscape transfer` does.

Reads the study's file and the records of its search, and no table of the sweep: it can be made before the sweep is paid
for, which is what it is for.
"""

import json
from collections.abc import Iterable
from pathlib import Path

from flopscape.config.study import Study
from flopscape.errors import FlopscapeError
from flopscape.figures.save import draw_to
from flopscape.files.outputs import write_text
from flopscape.files.side_outputs import refuse_folder
from flopscape.plan.search import assumed_rows, search_options, search_rows, searched_rate
from flopscape.records.stamps import hash_of, of_transfer, text_of
from flopscape.transfer.advice import snippet
from flopscape.transfer.figure import draw
from flopscape.transfer.grid import noise_of, table_of, widths_of
from flopscape.transfer.verdict import verdict

FILES = ("table.csv", "figure.svg", "figure.png")
"""What is written besides verdict.json."""


def run(study: Study, runs: Path, out: Path, seed: int = 0, inputs: Iterable[Path] = ()) -> str:
    """Judge a study's finished search; write `table.csv`, `verdict.json`, `figure.svg` and `.png` into `out`.

    `inputs` are the files that the study was read from.

    Returns
    -------
    str
        The verdict in sentences, and the YAML that puts it into the study.

    Raises
    ------
    FlopscapeError
        The study has no `transfer`, records are missing or broken, fewer than three rates of a size were completed,
        or a file must not be written.
    """
    assumed = {row.size["width"]: searched_rate(row) for row in assumed_rows(study)}
    rows = list({row.run_id: row for row in search_rows(study)}.values())
    read = [*inputs, *(runs / f"{row.run_id}.json" for row in rows)]
    refuse_folder(out, FILES, read, "verdict.json", {"slope", "widths"})
    table = table_of(rows, runs)
    widths = widths_of(table, rows, assumed)
    if too_few := [width.width for width in widths if len(width.losses) < 3]:
        raise FlopscapeError(f"transfer: fewer than three rates did not diverge at width {too_few[0]}; try lower rates")
    noise = noise_of(table, widths)
    judged = verdict(study, widths, noise, seed)
    judged |= {"study": study.title, "simulated": bool(table.simulated.all()), "n_runs": len(table)}
    judged |= {"unit": str(table.unit.iloc[0])}
    judged |= {"n_tokens": int(table.n_tokens.max()), "cpu_hours": float(table.cpu_hours.fillna(0.0).sum())}
    judged["training"] = snippet(study, judged)
    # The verdict is written last but for the figure, and carries the hash of the table: a kill in between leaves one
    # that is seen to be stale.
    stamp = of_transfer((runs / f"{row.run_id}.json" for row in rows), search_options(study, seed))
    write_text(out / "table.csv", table.to_csv(index=False))
    judged |= {"made_from": text_of(stamp | {"table": hash_of(out / "table.csv")})}
    write_text(out / "verdict.json", json.dumps(judged, indent=1, allow_nan=False) + "\n")
    draw_to(out / "figure.svg", draw, table, judged, stamp=stamp)
    return "\n".join([*judged["sentences"], "", "training:", *(f"  {line}" for line in judged["training"].split("\n"))])
