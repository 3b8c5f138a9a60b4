"""The `assistant` command, also as `python -m assistant`."""

from assistant import entry


def main() -> None:
    """Entry point."""
    entry.run("assistant.cli")


if __name__ == "__main__":
    main()
