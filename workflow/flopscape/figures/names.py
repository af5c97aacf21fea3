"""The figures of a study, in the order of the report: those that captions.rst has a caption for.

Each is the module of that name beside this file, with a function `draw` from `tables.Tables` to a matplotlib figure. To
add one, write the module, its caption and its explanation: workflow, `flopscape figure` and report find it by its
caption.
"""

import re
from pathlib import Path

CAPTIONS = Path(__file__).with_name("captions.rst")
"""The captions of all figures, by which `snakemake --report` and the study's own report show them."""
EXPLANATIONS = CAPTIONS.with_name("explanations.rst")
"""How to read each figure, for the report's appendix."""
FIGURES = tuple(re.findall(r'figure == "([a-z]+)"', CAPTIONS.read_text(encoding="utf-8")))


def drawable(curves: bool) -> list[str]:
    """The figures of a study with or without training curves."""
    return [name for name in FIGURES if curves or name != "curves"]
