"""`python -m assistant.doctor.child`: examines one topic, for `assistant.doctor.examination` and for nobody else."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from assistant.config import Config
from assistant.doctor.check import Patient
from assistant.doctor.examination import run_topic


def main() -> None:
    """The order comes in on standard input, a check a line goes out; what libraries print goes to standard error."""
    order = json.load(sys.stdin)
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as out:
        os.dup2(2, 1)
        config = Config.model_validate_json(json.dumps(order["config"]))
        path = Path(order["config_path"]) if order["config_path"] else None
        for line in run_topic(order["address"], Patient(config, path, Path(order["root"]))):
            print(line, file=out, flush=True)
    # Threads of drivers that hang must not keep it.
    sys.stderr.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
