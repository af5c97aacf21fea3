"""Whether an SVG file is a drawing and nothing else: what a page takes into itself must not bring a program along."""

import re
from pathlib import Path
from xml.etree import ElementTree

from flopscape.errors import FlopscapeError

SVG = "{http://www.w3.org/2000/svg}"
XLINK = "{http://www.w3.org/1999/xlink}"
ELEMENTS = {
    *("svg", "g", "defs", "use", "clipPath", "style", "text", "tspan", "image"),
    *("path", "rect", "circle", "ellipse", "line", "polyline", "polygon", "linearGradient", "radialGradient", "stop"),
}
"""What matplotlib draws with, and the other shapes."""
ATTRIBUTES = {
    *("id", "class", "style", "transform", "viewBox", "width", "height", "version", "preserveAspectRatio", "offset"),
    *("x", "y", "x1", "y1", "x2", "y2", "cx", "cy", "r", "rx", "ry", "d", "points", "dx", "dy", "fx", "fy"),
    *("fill", "stroke", "opacity", "clip-path", "clipPathUnits", "gradientUnits", "gradientTransform", "type"),
}
STYLE = re.compile(r"(?:\s*\*\s*\{[^{}@]*\})*\s*")
"""Rules for all elements, without imports."""
OUTSIDE = re.compile(r"url\((?!#)|@import|expression\(|javascript:|\\", re.IGNORECASE)
"""What fetches or runs something, also spelled with CSS escapes."""
LINK = re.compile(r"#|data:image/png;base64,")
MARKUP = re.compile(r"<[!?]")
"""Comments, instructions and document types, in which HTML and XML differ."""
CURE = "draw it again with `flopscape figure`"


def refuse_more_than_drawing(text: str, path: Path) -> None:
    """Raise FlopscapeError naming the first part of an SVG text, from its root on, that is no drawing."""
    # Before it is parsed: a parser drops comments, and may follow a document type.
    if match := MARKUP.search(text):
        raise FlopscapeError(f"{path}: the figure holds {text[match.start() :][:20]!r}, which no page can take; {CURE}")
    try:
        root = ElementTree.fromstring(text)
    except (ElementTree.ParseError, ValueError) as error:
        raise FlopscapeError(f"{path}: the figure is not whole SVG ({error}); {CURE}") from error
    if root.tag != f"{SVG}svg":
        raise FlopscapeError(f"{path}: the figure is not SVG; {CURE}")
    for element in root.iter():
        _refuse_strange_element(element, path)


def _refuse_strange_element(element: ElementTree.Element, path: Path) -> None:
    name = element.tag.removeprefix(SVG)
    strange = [key for key, value in element.items() if not _is_harmless(key, value)]
    if name not in ELEMENTS:
        raise FlopscapeError(f"{path}: the figure holds an element {name!r}, which is no drawing; {CURE}")
    if strange:
        raise FlopscapeError(f"{path}: the attribute {strange[0]!r} of an element {name!r} is no drawing; {CURE}")
    if name == "style" and (not STYLE.fullmatch(element.text or "") or OUTSIDE.search(element.text or "")):
        raise FlopscapeError(f"{path}: the figure's style sheet does more than style its lines; {CURE}")


def _is_harmless(key: str, value: str) -> bool:
    """Whether an attribute neither runs nor fetches anything."""
    if key in (f"{XLINK}href", "href"):
        return bool(LINK.match(value))
    listed = key in ATTRIBUTES or key.startswith(("stroke-", "fill-", "font-", "text-", "stop-", "image-"))
    return listed and not OUTSIDE.search(value)
