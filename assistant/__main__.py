"""The `assistant` command, also as `python -m assistant`. Nothing but the interpreter is loaded before Ctrl-C is
understood."""

import sys


def main() -> None:
    """Entry point."""
    try:
        from assistant import cli
    except KeyboardInterrupt:
        sys.exit(130)
    cli.main()


if __name__ == "__main__":
    main()
