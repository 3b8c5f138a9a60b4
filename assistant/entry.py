"""The outermost frame of every command. It loads nothing but the interpreter before Ctrl-C is understood."""

import importlib
import sys


def run(module: str) -> None:
    """Load a command's module and run its `main`; Ctrl-C at any moment ends it with code 130."""
    try:
        importlib.import_module(module).main()
    except KeyboardInterrupt:
        sys.exit(130)
    finally:
        # Once an interrupt has passed through an `exec` of text, by which every data class is made, CPython ends by the
        # signal, whatever exit code is asked for; the next such `exec` has it forget that.
        exec("")
