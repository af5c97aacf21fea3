"""Text from people, files and other programs, made safe to show: what would steer a terminal or a reader is spelled."""

import re

STEERING = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f"  # control characters but tab and line feed, escape sequences among them
    "\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff"  # reading direction, and what has no width
    "\u2028\u2029\ud800-\udfff\ufffe\uffff]"  # other line breaks, and what no UTF-8 file or XML may hold
)
NOT_IN_NAMES = re.compile(r"[^\w.+-]")
CUT = "…"


def visible(text: str) -> str:
    r"""The text with every character that steers instead of being shown written as its escape, such as \x1b."""
    return STEERING.sub(lambda match: match[0].encode("unicode_escape").decode("ascii"), text)


def one_line(text: str) -> str:
    r"""Text made `visible`, on a single line with single spaces.

    >>> one_line("two\n  lines")
    'two lines'
    """
    return visible(" ".join(text.split()))


def cut(text: str, most: int) -> str:
    """The text, or its beginning and an ellipsis where it is longer than `most` characters."""
    return text if len(text) <= most else text[: most - len(CUT)] + CUT


def identifier(name: str) -> str:
    """A name as the identifier of an element of a page or figure: letters, digits and hyphens.

    >>> identifier("N* (optimum)")
    'N---optimum-'
    """
    return NOT_IN_NAMES.sub("-", name)
