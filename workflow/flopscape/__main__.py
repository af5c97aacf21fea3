"""Entry point of `flopscape` and `python -m flopscape`: what starts runs does so without the other verbs' imports."""

import sys

from flopscape.text.last_resort import ended, without_debug


def main() -> None:
    """Dispatch; bad input is one sentence on standard error and status 2, a fault one sentence and status 1."""
    sys.argv[1:] = without_debug(sys.argv[1:])
    sys.exit(ended(_dispatch, sys.argv[1:]))


def _dispatch() -> int | None:
    if sys.argv[1:2] == ["train"]:
        from flopscape.training.command import main as train

        return train(sys.argv[2:])
    if sys.argv[1:2] == ["launch"]:
        from flopscape.machine.launch import main as launch

        return launch(sys.argv[2:])
    from flopscape.cli.app import app

    app()
    return 0


if __name__ == "__main__":
    main()
