"""The drawn chart shows the whole data structure, and the file in docs/ is that drawing."""

import re
import xml.etree.ElementTree as ElementTree
from html import unescape

from flopscape.guide.chart import APPROACHES, QUESTIONS
from flopscape.guide.draw import LEFT, MARGIN, PAD, RIGHT, WIDTH, svg
from tests.conftest import ROOT

WIDEST = {"q": 8.3, "a": 8.3, "m": 6.9, "": 6.9}
"""Pixels of a letter, on average, in the widest of the fonts that the drawing names: bold, and not."""


def words() -> str:
    """All text of the drawing, its lines put together."""
    return " ".join(
        element.text or "" for element in ElementTree.fromstring(svg()).iter() if element.tag.endswith("text")
    )


def test_the_file_in_docs_is_what_make_docs_draws() -> None:
    assert (ROOT / "docs/guide.svg").read_text(encoding="utf-8") == svg()


def test_every_question_answer_approach_and_advice_is_drawn() -> None:
    shown = words()
    for question in QUESTIONS.values():
        assert question.words in shown
        for answer, way in question.ways.items():
            assert answer in shown
            assert way.then in shown
    assert all(approach.words in shown for approach in APPROACHES.values())


def test_the_page_names_every_approach_and_its_methods() -> None:
    page = (ROOT / "docs/guide.md").read_text(encoding="utf-8")
    assert "guide.svg" in page
    for approach in APPROACHES.values():
        assert all(f"`{method}`" in page for method in approach.methods)


def test_no_line_is_longer_than_its_box() -> None:
    lines = re.findall(r'<text class="([qam]?)" x="(\d+)" y="[\d.]+">([^<]*)</text>', svg())
    assert len(lines) > 60
    for style, x, escaped in lines:
        text = unescape(escaped)
        end = {MARGIN + PAD: LEFT, RIGHT + PAD: WIDTH - MARGIN}[int(x)]
        assert int(x) + len(text) * WIDEST[style] <= end, text
