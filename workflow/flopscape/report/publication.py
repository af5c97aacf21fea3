"""What a paper takes from a comparison: a table in LaTeX, and BibTeX entries of what the comparison stands on."""

import re
import unicodedata
from collections.abc import Iterator

from flopscape.comparison.results import AtCompute, Comparison, Pair
from flopscape.comparison.verdict import probability, written
from flopscape.text import numbers
from flopscape.text.visible import one_line

SPECIAL = re.compile(r"[&%$#_{}]")
WORDS = {
    "\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "∞": r"$\infty$",
    "<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}", "×": r"$\times$", "·": r"$\cdot$",
    "−": "$-$", "\u202f": r"\,",
}  # fmt: skip
RAISED = "⁰¹²³⁴⁵⁶⁷⁸⁹⁻"
POWER = re.compile(f"[{RAISED}]+")
LOWERED = str.maketrans(RAISED, "0123456789-")
GREEK = re.compile(r"GREEK (SMALL|CAPITAL) LETTER (\w+)")
CAPITALS = {"GAMMA", "DELTA", "THETA", "LAMDA", "XI", "PI", "SIGMA", "UPSILON", "PHI", "PSI", "OMEGA"}
"""Greek capitals that LaTeX has a command for; the others look like Latin ones."""
LATIN = 0x17F
"""The last letter that LaTeX knows of itself, of those behind ASCII."""
OTHER_LETTERS = "% Has letters beyond Latin and Greek: set it with XeLaTeX or LuaLaTeX, and a font that holds them.\n"
REFERENCES = r"""@misc{flopscape,
  title = {flopscape: plan, price, run and fit scaling-law sweeps},
  author = {{The flopscape developers}},
  version = {0.1.0},
  note = {Compute multipliers of recipes, docs/compare.md},
}

@misc{hoffmann2022training,
  title = {Training Compute-Optimal Large Language Models},
  author = {Hoffmann, Jordan and Borgeaud, Sebastian and Mensch, Arthur and others},
  year = {2022},
  eprint = {2203.15556},
  archivePrefix = {arXiv},
  note = {The surface that both recipes share in shape},
}

@misc{magnusson2025datadecide,
  title = {{DataDecide}: How to Predict Best Pretraining Data with Small Experiments},
  author = {Magnusson, Ian and others},
  year = {2025},
  eprint = {2504.11393},
  archivePrefix = {arXiv},
  note = {Ranking by runs of one size, as each single budget is asked},
}
"""


def bibtex() -> str:
    """Entries of this package, and of the works that the page rests on and docs/compare.md names."""
    return REFERENCES


def latex(found: Comparison, name: str) -> str:
    r"""A table that needs no package: a row for each pair and told compute; to be read by `\input{table.tex}`."""
    level = numbers.percent(found.level)
    together = f", all {len(found.pairs)} pairs together" if len(found.pairs) > 1 else ""
    unit = found.pairs[0].rests_on.loss_unit
    caption = (
        f"{name}: the compute that the baseline needs for the loss of the other, in multiples of the other's, with "
        f"{level} intervals{together}, the lowest losses{f' in {unit}' if unit else ''}, and the probability that the "
        "other is the better one. * Outside the compute of the runs."
    )
    simulated = "SIMULATED. " if found.simulated else ""
    lines = [
        r"\begin{table}", r"\centering", rf"\caption{{{escaped(simulated + caption)}}}", r"\begin{tabular}{lllllll}",
        r"\hline", r"baseline & other & FLOPs & multiplier & $L^*$ baseline & $L^*$ other & other better \\", r"\hline",
        *(line for pair in found.pairs for line in _rows(pair)), r"\hline", r"\end{tabular}", r"\end{table}",
    ]  # fmt: skip
    written = "\n".join(lines) + "\n"
    return OTHER_LETTERS + written if any(ord(letter) > LATIN for letter in written) else written


def _rows(pair: Pair) -> Iterator[str]:
    for at in pair.points:
        cells = [escaped(pair.a), escaped(pair.b), _flops(at), *map(escaped, _cells(at))]
        # A bracket or a star behind the \\ of the row before would be an argument of it.
        yield ("{}" if cells[0].startswith(("[", "*")) else "") + " & ".join(cells) + r" \\"


def _cells(at: AtCompute) -> list[str]:
    losses = [numbers.loss(one.estimate) for one in (at.loss_a, at.loss_b)]
    return [written(at.multiplier), *losses, probability(at.probability)]


def _flops(at: AtCompute) -> str:
    """Compute in figures that LaTeX sets, and a star where no run reaches it."""
    mantissa, _, power = f"{at.flops:.2e}".partition("e")
    return rf"${float(mantissa):g}\cdot 10^{{{int(power)}}}${'' if at.place == 'inside' else '*'}"


def escaped(text: str) -> str:
    r"""Text that LaTeX shows as it stands.

    >>> escaped("relu2_0.1 & 5 %")
    'relu2\\_0.1 \\& 5 \\%'
    """
    parts = POWER.split(one_line(text))
    powers = [f"$^{{{found.translate(LOWERED)}}}$" for found in POWER.findall(text)]
    plain = ["".join(map(_letter, part)) for part in parts]
    return plain[0] + "".join(power + part for power, part in zip(powers, plain[1:], strict=True))


def _letter(letter: str) -> str:
    if greek := GREEK.fullmatch(unicodedata.name(letter, "")):
        size, name = greek[1], greek[2].replace("LAMDA", "LAMBDA")
        if size == "SMALL" and name != "OMICRON":
            return rf"$\{name.lower()}$"
        if greek[2] in CAPITALS:
            return rf"$\{name.capitalize()}$"
    return WORDS.get(letter) or SPECIAL.sub(r"\\\g<0>", letter)
