"""How a module is run in a process of its own: as by `python -m MODULE ARGUMENTS`, but for where libraries come from.

With `-m` the current folder comes first, and a `queue.py` that lies there is run in the place of the library. The
switch and the variable that prevent it, `-P` and PYTHONSAFEPATH, came with Python 3.11.
"""

from __future__ import annotations

import runpy
import sys
from pathlib import Path


def python_command(module: str, *arguments: str) -> list[str]:
    """The command that runs `module` by this interpreter, in the current folder and with PYTHONPATH."""
    return [sys.executable, __file__, module, *arguments]


def main() -> None:
    """Run the module that the command line names, of the same package as this file."""
    here, package_root = str(Path(__file__).parent), str(Path(__file__).parents[2])
    sys.path[:] = [folder for folder in sys.path if folder != here]  # what the interpreter puts first for a file
    if package_root not in sys.path:  # run from a checkout that is not installed
        sys.path.insert(0, package_root)
    del sys.argv[0]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
