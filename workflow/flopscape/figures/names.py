"""The figures of a study, in the order of the report: those that captions.rst has a caption for.

Each is the module of that name beside this file, with a function `draw` from `tables.Tables` to a matplotlib figure. To
add one, write the module and its caption: the workflow, `flopscape figure` and the report find it by the caption.
"""

import re
from pathlib import Path

CAPTIONS = Path(__file__).with_name("captions.rst")
"""The captions of all figures, by which `snakemake --report` and the study's own report show them."""
FIGURES = tuple(re.findall(r'figure == "([a-z]+)"', CAPTIONS.read_text(encoding="utf-8")))


def drawable(curves: bool) -> list[str]:
    """The figures of a study with or without training curves."""
    return [name for name in FIGURES if curves or name != "curves"]
