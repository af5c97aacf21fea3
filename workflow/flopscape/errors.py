"""The one exception that users meet: a sentence that names the place and the fix."""


class FlopscapeError(Exception):
    """Bad input, in one sentence. The command line prints it and exits with status 2."""
