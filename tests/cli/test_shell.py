"""Nothing that a config says reaches a shell as anything but one word."""

import shlex
import subprocess

from hypothesis import given, settings
from hypothesis import strategies as st

from flopscape.config.fits import Fit
from flopscape.config.model import plain_name
from flopscape.dag.commands import fit_options

HOSTILE = [
    "; touch pwned",
    "$(touch pwned)",
    "`touch pwned`",
    "a' ; touch pwned '",
    'a" ; touch pwned "',
    "x\ntouch pwned",
]
TEXT = st.one_of(st.sampled_from(HOSTILE), st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])))


def words_of(line):
    """The words that a shell makes of a line."""
    printed = subprocess.run(["sh", "-c", f"printf '%s\\0' {line}"], capture_output=True, check=True).stdout
    return printed.decode().split("\0")[:-1]


@given(TEXT, TEXT)
@settings(max_examples=100, deadline=None)
def test_a_fits_options_reach_the_verb_as_they_stand_in_the_config(word, column):
    exclude = f"size != {word!r}"
    fit = Fit(name="f", method="approach2", exclude=exclude, columns={"loss": column})
    line = fit_options(fit, [1e20], "results/s")
    assert words_of(line) == shlex.split(line)
    assert {exclude, f"loss={column}"} <= set(words_of(line))


@given(TEXT)
def test_a_name_of_a_study_or_fit_has_nothing_that_a_shell_reads(text):
    try:
        name = plain_name(text, "study")
    except ValueError:
        return
    assert shlex.quote(name) == name
