"""The fixtures of training: a prepared text, specs, modules of a user's."""

from tests.training.conftest import make_spec, text, users_module

__all__ = ["make_spec", "text", "users_module"]
