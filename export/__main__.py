"""The `assistant-export` command, also as `python -m export`."""

from assistant import entry


def main() -> None:
    """Entry point."""
    entry.run("export.cli")


if __name__ == "__main__":
    main()
