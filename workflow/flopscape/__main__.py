"""Entry point of `flopscape` and `python -m flopscape`: what starts runs does so without the other verbs' imports."""

import sys


def main() -> None:
    """Dispatch; bad input is one sentence on standard error and status 2."""
    if sys.argv[1:2] == ["train"]:
        from flopscape.training.run import main as train

        sys.exit(train(sys.argv[2:]))
    if sys.argv[1:2] == ["launch"]:
        from flopscape.launch import main as launch

        sys.exit(launch(sys.argv[2:]))
    from flopscape.cli import main as cli

    cli()


if __name__ == "__main__":
    main()
