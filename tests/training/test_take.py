"""A record that is taken is the same file, of the very spec; anything else is refused and nothing written."""

import pytest

from flopscape.errors import FlopscapeError
from flopscape.files.json_text import canonical
from flopscape.plan.rows import plan_rows
from flopscape.plugins.surface import Surface
from flopscape.training.take import take_run


def test_a_taken_record_is_the_same_bytes_and_no_link(surface_study, tmp_path):
    row = plan_rows(surface_study())[0]
    record, out = tmp_path / "a" / f"{row.run_id}.json", tmp_path / "b" / f"{row.run_id}.json"
    Surface().train(row.spec).write(record)
    take_run(record, canonical(row.spec), out)
    assert out.read_bytes() == record.read_bytes()
    assert not out.samefile(record)


def test_another_run_or_an_edited_record_is_refused_and_nothing_is_written(surface_study, tmp_path):
    row, other = plan_rows(surface_study())[:2]
    record, out = tmp_path / "a.json", tmp_path / "b.json"
    Surface().train(row.spec).write(record)
    with pytest.raises(FlopscapeError, match=r"a\.json: the record of another run than the one that is asked for"):
        take_run(record, canonical(other.spec), out)
    record.write_text(record.read_text().replace('"seed": 0', '"seed": 7', 1))
    with pytest.raises(FlopscapeError, match="is not the hash of the spec inside"):
        take_run(record, canonical(row.spec), out)
    assert not out.exists()
