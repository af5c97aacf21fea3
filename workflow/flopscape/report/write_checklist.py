"""The page `checklist.md` of one study from its config and its folder.

flopscape checklist config/studies/quick.yaml --results results/quick --out checklist.md
"""

from contextlib import suppress
from pathlib import Path

from flopscape.checklist.filled import filled
from flopscape.checklist.items import Filled
from flopscape.checklist.known import known_of_study
from flopscape.dag.stale import Files
from flopscape.files.outputs import refuse_output, write_text
from flopscape.plan.studies import plan_finished
from flopscape.records.stamps import text_of
from flopscape.report.checklist import page_text


def write_checklist(study_file: Path, results: Path, out: Path) -> Filled:
    """Fill the checklist in from the files of a study's folder `results`, and write it as Markdown.

    Parameters
    ----------
    study_file : Path
        The study's config.
    results : Path
        Its folder, `results/{study}`.
    out : Path
        The page.

    Returns
    -------
    Filled
        The checklist as it was written.

    Raises
    ------
    FlopscapeError
        The config is wrong, the table of runs is missing or stale, or the page must not be written.
    """
    refuse_output(out, [study_file])
    planned = plan_finished(study_file, results.parent)
    files = Files(planned, results)
    refuse_output(out, [study_file, files.runs, *files.fits.values(), files.manifest()])
    page = filled(known_of_study(planned, results))
    write_text(out, f"{page_text(planned.study.title, page)}{_stamp(files)}")
    return page


def _stamp(files: Files) -> str:
    """What the page was made from, as a comment; none while fits are missing, so that it is made again with them."""
    with suppress(FileNotFoundError):
        return f"\n<!-- {text_of(files.checklist_stamp())} -->\n"
    return ""
