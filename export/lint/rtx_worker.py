"""The child of `export.lint.tensorrt_rtx`: parse one file, build it, print what was wrong as one line of JSON."""

from __future__ import annotations

import json
import sys
from typing import Any


def main() -> None:
    """`python -m export.lint.rtx_worker FILE`."""
    import tensorrt_rtx as trt

    class Log(trt.ILogger):  # type: ignore[misc]  # the package has no types
        def __init__(self) -> None:
            super().__init__()
            self.errors: list[str] = []

        def log(self, severity: Any, message: str) -> None:
            if severity in (trt.ILogger.ERROR, trt.ILogger.INTERNAL_ERROR):
                self.errors.append(message)

    log = Log()
    builder = trt.Builder(log)
    network = builder.create_network(1 << int(trt.NetworkDefinitionCreationFlag.STRONGLY_TYPED))
    parser = trt.OnnxParser(network, log)
    problems = []
    if not parser.parse_from_file(sys.argv[1]):
        for index in range(parser.num_errors):
            error = parser.get_error(index)
            problems.append({"node": error.node_name(), "message": f"{error.node_operator()}: {error.desc()}"})
        problems = problems or [{"node": "", "message": "it does not parse"}]
    else:
        config = builder.create_builder_config()
        config.num_compute_capabilities = 1
        config.set_compute_capability(trt.ComputeCapability.SM86, 0)
        log.errors.clear()
        if builder.build_serialized_network(network, config) is None:
            problems.append({"node": "", "message": " ".join(log.errors) or "it does not build"})
    print(json.dumps({"problems": problems}))


if __name__ == "__main__":
    main()
