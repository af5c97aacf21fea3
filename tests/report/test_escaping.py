"""Text of users, files and programs in every place of a report, a figure and a terminal: shown, never interpreted."""

import dataclasses
import importlib
import random
import string
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import matplotlib
import pytest
from markdown_it import MarkdownIt

from flopscape.errors import FlopscapeError
from flopscape.figures.save import save
from flopscape.figures.style import RC
from flopscape.report import html, markdown
from flopscape.report.blocks import Block, Bullets, Code, Grid, Paragraph, Picture, Report, Section
from flopscape.report.build import build
from flopscape.report.evidence import Evidence
from flopscape.text.terminal import aligned, say
from tests.figures import studies

NASTY = {
    "script": "<script>alert(1)</script>",
    "image": '"><img src=x onerror=alert(1)> ![a](b) [c](d)',
    "fence": "a\n```\n<b>raw</b>\n````sh",
    "inline code": "`a` ``b`` `",
    "pipes": "a | b || \\| c \\",
    "lists": "- a\n- b",
    "number": "3. a\n4) b",
    "heading": "# a #\n===\n---",
    "quote": "> a\n>> b",
    "emphasis": "*a* **b** _c_ __d__ ~~e~~ ~f~",
    "rules": "***\n___\n---\n~~~",
    "formula": r"$\frac{1}{2$ $$x$$ \alpha $",
    "entities": "&lt;b&gt; &amp; &#60; & % P&L",
    "comment": "<!-- a --> <![CDATA[b]]> <?php ?> </style></svg>",
    "terminal": "\x1b[31mred\x1b]0;title\x07 \x00\x08\x9b2J",
    "directions": "a\u202eb\u2066c\u200fd\ufeff",
    "links": "[a]: http://b\n[a]\n<http://c> [^1]: d",
    "box": "[ ] a",
    "surrogate": "a\udc80b\uffff",
    "long": "W" * 5000,
    "markup of rich": "[bold red]a[/bold red] [/]",
}
STEERS = {"\x1b", "\x00", "\x07", "\x08", "\x9b", "\u202e", "\u2066", "\u200f", "\ufeff", "\udc80", "\uffff"}


class Elements(HTMLParser):
    """The elements and attributes of a page, and its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.seen: Counter[str] = Counter()
        self.text = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.update([tag, *(f"{tag} {name}" for name, _ in attrs if name != "class")])

    def handle_comment(self, data: str) -> None:
        self.seen["comment"] += 1

    def handle_data(self, data: str) -> None:
        self.text += data


def report(text: str, figure: Path | None = None) -> Report:
    """A report with a text in each of its places."""
    blocks: list[Block] = [Paragraph(text, True), Paragraph(text), Bullets([text, text]), Code(text)]
    blocks += [Grid([text, "h"], [[text, text], ["r", text]], text)]
    blocks += [Picture(text, figure, text)] if figure else []
    return Report(text, True, [Paragraph(text, True)], [Section(text, blocks)])


def of_markdown(text: str) -> Counter[str]:
    """The elements of a Markdown report, tables and strikethrough included."""
    tokens = MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(text)
    inner = [child.type for token in tokens for child in token.children or ()]
    return Counter([token.type for token in tokens] + [kind for kind in inner if kind not in ("text", "text_special")])


@pytest.mark.parametrize("text", NASTY.values(), ids=NASTY)
def test_no_element_arises_in_markdown_that_the_report_did_not_write(text: str) -> None:
    assert of_markdown(markdown.render(report(text), Path())) == of_markdown(markdown.render(report("plain"), Path()))


@pytest.mark.parametrize("text", NASTY.values(), ids=NASTY)
def test_no_element_arises_in_html_that_the_template_did_not_write(text: str) -> None:
    assert Elements(html.render(report(text))).seen == Elements(html.render(report("plain"))).seen


@pytest.mark.parametrize("seed", range(200))
def test_no_element_arises_from_random_text(seed: int) -> None:
    generator = random.Random(seed)
    signs = [*string.punctuation, *" \n\t", "a", "1", "```", "](", "&lt;", "<b>", *STEERS]
    text = "".join(generator.choices(signs, k=30)) or "a"
    made = markdown.render(report(f"x{text}"), Path())
    assert of_markdown(made) == of_markdown(markdown.render(report("x"), Path()))
    assert Elements(html.render(report(text))).seen == Elements(html.render(report("x"))).seen


@pytest.mark.parametrize("render", [lambda r: markdown.render(r, Path()), html.render], ids=["markdown", "html"])
@pytest.mark.parametrize("name", ["terminal", "directions", "surrogate"])
def test_characters_that_steer_a_reader_are_spelled(render, name: str) -> None:
    made = render(report(NASTY[name]))
    made.encode("utf-8")
    assert not STEERS & set(made)
    spelled = {"terminal": "x1b[31mred", "directions": "u202eb", "surrogate": "udc80b"}[name]
    assert spelled in made


ORDINARY = (
    "n_params < 1e4, D* = 3·N, a = 0.51 [0.48, 0.54]; see flopscape's docs (50 % of P&L) - 3.5 h, $2 #1 runs_csv.gz"
)


def test_ordinary_text_has_no_backslash_but_before_a_star() -> None:
    assert markdown.plain(ORDINARY) == ORDINARY.replace("<", "&lt;").replace("D*", r"D\*")


def test_a_title_that_begins_with_a_number_stays_a_plain_heading() -> None:
    text = markdown.render(Report("t", False, [], [Section("3. What if?", [Paragraph("3. b")])]), Path())
    assert text == "# t\n\n## 3. What if?\n\n3\\. b\n"


HARMFUL = {
    "script": "<script>alert(1)</script>",
    "foreign": "<foreignObject><body/></foreignObject>",
    "handler": '<path onload="alert(1)" d="M0 0"/>',
    "outside": '<image href="http://a/b.png"/>',
    "javascript": '<use href="javascript:alert(1)"/>',
    "style": '<path style="fill: url(http://a)"/>',
    "sheet": "<style>@import 'http://a';</style>",
    "page": "<style>body { display: none }</style>",
    "instruction": "<?x ><script>alert(1)</script>?>",
    "anchor": '<a href="#b"><path d="M0 0"/></a>',
    "set": '<set attributeName="href" to="javascript:alert(1)"/>',
    "torn": "<g>",
}


@pytest.mark.parametrize("part", HARMFUL.values(), ids=HARMFUL)
def test_a_figure_that_is_more_than_a_drawing_is_refused_by_path(part: str, tmp_path: Path) -> None:
    figure = tmp_path / "f.svg"
    figure.write_text(f'<svg xmlns="http://www.w3.org/2000/svg">{part}</svg>')
    with pytest.raises(FlopscapeError, match=r"f\.svg: the .*draw it again with `flopscape figure`"):
        html.render(report("a", figure))


@pytest.mark.parametrize("name", ["methods", "profile"])
def test_any_text_in_a_figure_is_text(name: str, tmp_path: Path) -> None:
    study = studies.text_study()
    text = " ".join(NASTY[key] for key in ("script", "formula", "terminal", "directions", "fence", "comment"))
    named = {f"{text} {fit}": result for fit, result in study.fits.items()}
    draws = {f"{text} {fit}": drawn for fit, drawn in study.draws.items()}
    runs = study.runs.assign(unit=text, loss_unit=text)
    odd = dataclasses.replace(study, title=text, runs=runs, fits=named, draws=draws)
    with matplotlib.rc_context(RC):
        svg, _ = save(importlib.import_module(f"flopscape.figures.{name}").draw(odd), tmp_path / "f.svg")
    tags = {element.tag.rpartition("}")[2] for element in ElementTree.parse(svg).iter()}
    assert not tags & {"script", "b"}
    assert "f.svg" in markdown.render(report(text, svg), tmp_path)
    assert "script" not in Elements(html.render(report(text, svg))).seen


def test_a_terminal_is_not_steered(capsys: pytest.CaptureFixture[str]) -> None:
    say(NASTY["terminal"])
    say(aligned([["a", "b"], [NASTY["fence"], NASTY["markup of rich"]]]))
    shown = capsys.readouterr().out
    assert not STEERS & set(shown)
    assert r"\x1b[31mred" in shown
    assert "[bold red]a[/bold red] [/]" in shown
    assert len(shown.splitlines()) == 4


def test_an_exclusion_with_a_fence_stays_in_its_block(evidence: Evidence) -> None:
    command = "flopscape fit runs.csv --exclude 'run_id == \"\n```\n<img src=x onerror=alert(1)>\n\"'"
    made = markdown.render(build(dataclasses.replace(evidence, commands=[command])), Path())
    (block,) = [token for token in MarkdownIt("commonmark").parse(made) if token.type == "fence"]
    assert command in block.content
    assert "html_block" not in of_markdown(made)
