"""The fixtures of training: a prepared text, and specs."""

from tests.training.conftest import make_spec, text

__all__ = ["make_spec", "text"]
