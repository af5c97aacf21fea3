"""A report as one HTML file that needs nothing else: figures inline, no network.

The only program on a page is that of its charts and of tables that sort, where it has some: Vega-Lite, and the lines of
start.js. A browser runs it and no other, for the page names its hash (Content-Security-Policy).
"""

import json
import re
from base64 import b64encode
from collections.abc import Mapping
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import vl_convert
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from flopscape.errors import FlopscapeError
from flopscape.report.blocks import Report
from flopscape.report.svg import refuse_more_than_drawing
from flopscape.text.visible import identifier, visible

TEMPLATE = Path(__file__).parent / "template.html"
START = TEMPLATE.with_name("start.js")
HEADER = re.compile(r"<\?xml.*?\?>|<!DOCTYPE.*?>|<metadata>.*?</metadata>|<!--.*?-->", re.DOTALL)
NAMESPACE = re.compile(r'\sxmlns(:\w+)?="[^"]*"')
SIZE = re.compile(r'\s(width|height)="[^"]*pt"')


def render(report: Report) -> str:
    """HTML text; every string of the report is escaped, and only the figures' SVG is markup."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATE.parent),
        autoescape=True,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
        keep_trailing_newline=True,
    )
    script = program() if report.has_program else ""
    return environment.get_template(TEMPLATE.name).render(
        report=report,
        figure=inline,
        identifier=identifier,
        script=Markup(script),
        script_hash=hash_of_script(script),
        specification=specification,
    )


@cache
def program() -> str:
    """The lines of start.js, and Vega-Lite with all that it needs, as one script of 0.9 MB."""
    script = vl_convert.javascript_bundle(START.read_text(encoding="utf-8"))
    return str(script).replace("</script", r"<\/script")


def hash_of_script(script: str) -> str:
    """What a page names a script by, as a source of its Content-Security-Policy."""
    return f"'sha256-{b64encode(sha256(script.encode()).digest()).decode()}'"


def specification(spec: Mapping[str, Any]) -> Markup:
    """A chart as JSON that cannot end the element it stands in."""
    return Markup(json.dumps(spec, ensure_ascii=False, allow_nan=False).replace("<", r"\u003c"))


def _shown(value: object) -> object:
    """What the template writes: text without characters that steer a reader; markup as it is."""
    return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def inline(path: Path, name: str) -> Markup:
    """An SVG file as an element of a page: its identifiers made its own, its size left to the page.

    Raises
    ------
    FlopscapeError
        The figure cannot be read, or holds more than drawings and text; see `svg.refuse_more_than_drawing`.
    """
    try:
        text = HEADER.sub("", path.read_text(encoding="utf-8")).strip()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "not UTF-8"
        raise FlopscapeError(f"{path}: the figure cannot be read ({why})") from error
    refuse_more_than_drawing(text, path)
    # The root's tag alone loses its size and namespaces: those within the drawing mean something.
    tag, end, rest = text.partition(">")
    label = f'<svg role="img" aria-label="{escape(visible(name))}"'
    tag = SIZE.sub("", NAMESPACE.sub("", tag)).replace("<svg", label, 1)
    return Markup(own_names(tag + end + rest, identifier(name)))


def own_names(svg: str, prefix: str) -> str:
    """Prefix every identifier and every reference to one, so that two figures on a page cannot meet."""
    # Two drawings of matplotlib have the same ids, and on one page a reference takes the first that it meets.
    svg = re.sub(r'(\sid=")', rf"\1{prefix}-", svg)
    svg = re.sub(r'(href="#)', rf"\1{prefix}-", svg)
    return svg.replace("url(#", f"url(#{prefix}-")
