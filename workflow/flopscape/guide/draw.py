"""The whole chart as an SVG: questions down the left, each answer with where it leads on the right.

python -m flopscape.guide.draw > docs/guide.svg
"""

import textwrap
from collections.abc import Iterator
from html import escape
from typing import NamedTuple

from flopscape.guide.chart import APPROACHES, CHECKS, QUESTIONS, Question, Way

WIDTH, MARGIN, GAP = 860, 20, 18
LEFT, RIGHT = 290, 350
"""Where the boxes of questions end, and where their answers begin, in pixels."""
LINE, PAD = 18, 10
ASKED, TOLD = 30, 68
"""Characters of a line in a question's box and in an answer's."""
DECIDES = "Which approach does the design allow?"
BELIEVES = "Whatever the approach: how far can its answer be believed?"
STYLE = (
    "text{font:13px system-ui,'Helvetica Neue',Arial,sans-serif;fill:#1c2430}"
    ".q{font-weight:600}.a{font-weight:600;fill:#0b5a8a}.h{font-size:15px;font-weight:700}.m{fill:#0d6b3f}"
    ".page{fill:#fff}.box{fill:#eef3f8;stroke:#5b7088}.fit{fill:#e5f4ea;stroke:#3d8a5f}.to{stroke:#5b7088;fill:none}"
)


class Line(NamedTuple):
    """A line of an answer's text, and the class of its style."""

    text: str
    style: str


def svg() -> str:
    """The drawing, the same for the same chart.

    Examples
    --------
    >>> svg().startswith("<svg "), "six or more" in svg()
    (True, True)
    """
    parts: list[str] = []
    y = float(MARGIN)
    keys = list(QUESTIONS)
    # Everything is laid out from the top down, `y` being where the next thing begins.
    for number, (key, question) in enumerate(QUESTIONS.items(), 1):
        if number == 1 or key == CHECKS:
            parts.append(_text(MARGIN, y + LINE, DECIDES if number == 1 else BELIEVES, "h"))
            y += 2 * LINE
        height = _height(question)
        parts += [*_asked(number, question, y, height), *_answers(question, y, height)]
        y += height
        if key != keys[-1] and keys[number] != CHECKS:
            parts.append(_arrow((MARGIN + LEFT) / 2, y, (MARGIN + LEFT) / 2, y + GAP))
        y += GAP
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {y:.0f}" width="{WIDTH}" height="{y:.0f}"'
    title = "<title>Decision guide: which approach fits a sweep, and how far its answer can be believed</title>"
    marker = (
        '<defs><marker id="end" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" orient="auto">'
        '<path d="M0 0 L8 4 L0 8 z" fill="#5b7088"/></marker></defs>'
    )
    page = f'<rect class="page" width="{WIDTH}" height="{y:.0f}"/>'
    return "\n".join([f'{head} role="img">', title, f"<style>{STYLE}</style>", marker, page, *parts, "</svg>"]) + "\n"


def _lines(answer: str, way: Way) -> list[Line]:
    """An answer with the number of the question that follows, the approach that it allows, and what to do about it."""
    approach = APPROACHES.get(way.to)
    numbers = {key: number for number, key in enumerate(QUESTIONS, 1)}
    number = numbers.get(CHECKS if approach else way.to)
    lines = [Line(f"{answer} → {number}" if number else answer, "a")]
    if approach:
        lines += [Line(text, "m") for text in textwrap.wrap(f"Fit {approach.words}.", TOLD)]
    return lines + [Line(text, "") for text in textwrap.wrap(way.then, TOLD)]


def _boxes(question: Question) -> Iterator[tuple[Way, list[Line]]]:
    for answer, way in question.ways.items():
        yield way, _lines(answer, way)


def _height(question: Question) -> float:
    """Of a question with its answers: whichever side is the taller."""
    answers = sum(len(lines) * LINE + PAD + 6 for _, lines in _boxes(question)) - 6
    return max(len(textwrap.wrap(question.words, ASKED)) * LINE + 2 * PAD, answers)


def _asked(number: int, question: Question, y: float, height: float) -> Iterator[str]:
    """A question in its box, as tall as all its answers."""
    yield _box(MARGIN, y, LEFT - MARGIN, height, "box")
    for i, line in enumerate(textwrap.wrap(f"{number}. {question.words}", ASKED)):
        yield _text(MARGIN + PAD, y + PAD + 13 + i * LINE, line, "q")


def _answers(question: Question, y: float, height: float) -> Iterator[str]:
    """The answers in boxes of their own, each at the end of an arrow."""
    for way, lines in _boxes(question):
        tall = len(lines) * LINE + PAD
        yield _box(RIGHT, y, WIDTH - MARGIN - RIGHT, tall, "fit" if way.to in APPROACHES else "box")
        yield _arrow(LEFT, y + tall / 2, RIGHT, y + tall / 2)
        for i, line in enumerate(lines):
            yield _text(RIGHT + PAD, y + PAD / 2 + 13 + i * LINE, line.text, line.style)
        y += tall + 6


def _box(x: float, y: float, width: float, height: float, style: str) -> str:
    return f'<rect class="{style}" x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="6"/>'


def _arrow(x: float, y: float, to_x: float, to_y: float) -> str:
    return f'<path class="to" d="M{x:g} {y:g} L{to_x:g} {to_y:g}" marker-end="url(#end)"/>'


def _text(x: float, y: float, text: str, style: str) -> str:
    return f'<text class="{style}" x="{x:g}" y="{y:g}">{escape(text)}</text>'


if __name__ == "__main__":
    print(svg(), end="")
