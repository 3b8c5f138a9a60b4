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
    here = Path(__file__).resolve().parent  # which the interpreter puts first, as it does with any file's
    sys.path[:] = [folder for folder in sys.path if Path(folder).resolve() != here]
    package_root = here.parents[1]
    if package_root not in (Path(folder).resolve() for folder in sys.path):  # a checkout that is not installed
        sys.path.insert(0, str(package_root))
    del sys.argv[0]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
