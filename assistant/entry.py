"""The outermost frame of every command. It loads nothing but the interpreter before Ctrl-C is understood."""

import importlib
import sys


def run(module: str) -> None:
    """Load a command's module and run its `main`; Ctrl-C at any moment ends it with code 130."""
    try:
        importlib.import_module(module).main()
    except KeyboardInterrupt:
        sys.exit(130)
