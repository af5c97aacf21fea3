"""The coordinate check, which tells µP from one rate for all widths."""

import pytest

from flopscape.checks.coordinates import coordinate_check, slopes, spec_of
from flopscape.errors import FlopscapeError

WIDTHS = (32, 64, 128, 256)


@pytest.fixture
def steepness(text, make_spec):
    """Slopes of ln mean |activation| in ln width after five real steps."""

    def measure(scaling):
        spec = spec_of(make_spec(training={"base_width": 32}), scaling)
        return slopes(coordinate_check(spec, WIDTHS, 5, text[0]))

    return measure


def test_activations_keep_their_size_under_mup_and_grow_under_one_rate_for_all(steepness):
    flat, steep = steepness("mup"), steepness("fixed")
    assert len(flat) == 6
    assert max(map(abs, flat.values())) < 0.25
    assert steep["head"] > 0.5
    assert steep["layers.0.output"] > 0.5


@pytest.mark.parametrize(
    ("scaling", "words"), [("power_law", "no rate for a width alone"), ("mop", "one of fixed, width")]
)
def test_a_check_that_cannot_be_made_is_refused_in_words(scaling, words, text, make_spec):
    with pytest.raises(FlopscapeError, match=words):
        coordinate_check(spec_of(make_spec(), scaling), WIDTHS, 1, text[0])
