"""More `rows:` in a study's file, whose comments and layout stay: text is put in, and nothing else of the file changes.

The places are those of the YAML parser's marks. The new text is read again as a study before it takes the place of the
old one, and has to mean the old study and the new rows, exactly: so whatever the file is written like, aliases, tabs,
flow style, it is extended rightly or refused, and never left half-written.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from flopscape.config.matrix import refuse_address
from flopscape.config.read import load_study
from flopscape.config.study import Study
from flopscape.config.yaml12 import dump_yaml
from flopscape.errors import FlopscapeError
from flopscape.files.outputs import replacing
from flopscape.plan.studies import plan_study
from flopscape.plugins.base import Size
from flopscape.records.plan_row import PlanRow

MARK = "\ufeff"
"""What a text may begin with to say that it is UTF-8; the parser does not count it."""


class NewRows(NamedTuple):
    """Runs that a study's file is to have as well."""

    path: Path
    rows: Sequence[PlanRow]


def write_rows(path: Path, rows: Sequence[PlanRow], comment: str, results: Path = Path("results")) -> None:
    """Add runs to `sweep.rows` of a study's file, under a line of comment where the file has its rows in lines.

    Raises
    ------
    FlopscapeError
        The file cannot be extended; it is as it was.
    """
    write_all([NewRows(path, rows)], comment, results)


def write_all(new: Iterable[NewRows], comment: str, results: Path = Path("results")) -> None:
    """The same for several studies: all files are extended, or none is."""
    with ExitStack() as files:
        for path, rows in new:
            files.enter_context(_extending(path, rows, comment, results))


@contextmanager
def _extending(path: Path, rows: Sequence[PlanRow], comment: str, results: Path) -> Iterator[None]:
    """A longer file that was read and found right takes the place of the old one when the context ends well."""
    refuse_address(path, "--write")
    before = load_study(path)
    items = [_item(row.size, row.budget, row.n_tokens, row.seed) for row in rows]
    new = extended(path.read_bytes().decode("utf-8"), items, comment)
    with replacing(path) as temporary:
        temporary.write_bytes(new.encode("utf-8"))
        try:
            _refuse_other_meaning(before, load_study(temporary), items)
            plan_study(path.stem, temporary, results)
        except FlopscapeError as error:
            told = str(error).replace(str(temporary), str(path))
            raise FlopscapeError(f"--write would not do: {told}; the file is as it was") from error
        temporary.chmod(path.stat().st_mode)
        yield


def _refuse_other_meaning(before: Study, after: Study, items: Sequence[dict[str, Any]]) -> None:
    """Raise FlopscapeError where the new text says anything else than the old study and these runs behind its rows."""
    first = len(before.sweep.rows)
    added = [_item(row.size, row.flops, row.n_tokens, row.seed) for row in after.sweep.rows[first:]]
    wanted = before.model_dump()
    wanted["sweep"]["rows"] += [row.model_dump() for row in after.sweep.rows[first:]]
    if added != items or after.model_dump() != wanted:
        raise FlopscapeError("its sweep is written in a way that cannot be extended as text; write the rows by hand")


def _item(size: Size, flops: float | None, n_tokens: int | None, seed: int) -> dict[str, Any]:
    """A run as `sweep.rows` has it: of a budget where it has one, so that fits by budget count it there."""
    return {"size": size} | ({"n_tokens": n_tokens} if flops is None else {"flops": flops}) | {"seed": seed}


def extended(text: str, items: Sequence[dict[str, Any]], comment: str) -> str:
    r"""The text of a study with more items in `sweep.rows`.

    >>> print(extended("sweep:\n  rows:\n  - {size: {width: 8}, n_tokens: 64}  # the first\n",
    ...                [{"size": {"width": 16}, "n_tokens": 64}], "chosen"), end="")
    sweep:
      rows:
      - {size: {width: 8}, n_tokens: 64}  # the first
      # chosen
      - {size: {width: 16}, n_tokens: 64}
    """
    body = text.removeprefix(MARK)
    sweep = _value(yaml.compose(body, yaml.SafeLoader), "sweep")
    if not isinstance(sweep, yaml.MappingNode) or not sweep.value:
        raise FlopscapeError("the study has no sweep whose rows could be extended")
    written = [_flow(item) for item in items]
    rows = _value(sweep, "rows")
    if isinstance(rows, yaml.SequenceNode) and rows.flow_style:
        at, add = _end_of_flow(rows), ", ".join(written)
        return text[: len(text) - len(body)] + body[:at] + (", " if rows.value else "") + add + body[at:]
    if rows is None and sweep.flow_style:
        at = sweep.value[-1][1].end_mark.index
        return text[: len(text) - len(body)] + body[:at] + f", rows: [{', '.join(written)}]" + body[at:]
    column = sweep.value[0][0].start_mark.column
    lines = [f"# {comment}", *(f"- {item}" for item in written)]
    if rows is None:
        lines = [f"{' ' * column}rows:", *(f"{' ' * (column + 2)}{line}" for line in lines)]
        return text[: len(text) - len(body)] + _with_lines(body, _last(sweep), lines)
    indent = " " * rows.start_mark.column
    return text[: len(text) - len(body)] + _with_lines(body, _last(rows), [indent + line for line in lines])


def _value(node: Any, key: str) -> Any:
    """The value of a key of a mapping; None where it has none."""
    pairs = node.value if isinstance(node, yaml.MappingNode) else []
    return next((value for name, value in pairs if name.value == key), None)


def _flow(item: dict[str, Any]) -> str:
    """A run in one line, as studies write it: 1.0e+12 and not 1000000000000.0."""
    written = {key: dump_yaml(value, one_line=True) if key == "size" else str(value) for key, value in item.items()}
    if "flops" in item:
        written["flops"] = short if float(short := f"{item['flops']:.1e}") == item["flops"] else repr(item["flops"])
    return "{" + ", ".join(f"{key}: {written[key]}" for key in item) + "}"


def _end_of_flow(rows: yaml.SequenceNode) -> int:
    """Where another item goes into a list in brackets: behind its last one, or behind the bracket of an empty list."""
    return int(rows.value[-1].end_mark.index if rows.value else rows.end_mark.index - 1)


def _last(node: Any) -> int:
    """Where the last thing written of a node ends. A block's own end is that of the comments behind it."""
    if isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
        last = node.value[-1]
        return _last(last[1] if isinstance(last, tuple) else last)
    return int(node.end_mark.index)


def _with_lines(text: str, at: int, lines: Sequence[str]) -> str:
    """The text with lines behind the line of a place, which may be the last and have no end."""
    newline = "\r\n" if "\r\n" in text else "\n"
    end = text.find("\n", at)
    head, tail = (text + newline, "") if end < 0 else (text[: end + 1], text[end + 1 :])
    return head + "".join(line + newline for line in lines) + tail
