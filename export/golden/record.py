"""Record what TensorFlow.js computes for the golden picture. See README.md here; needs Node, so no test runs it."""

from __future__ import annotations

import argparse
import base64
import json
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from export.golden.inputs import NETWORKS, golden_input, subsample

_FOLDER = Path(__file__).resolve().parents[2] / "tests" / "export" / "golden"
_SCRIPT = Path(__file__).with_name("record_tfjs.mjs")
_TIMEOUT_S = 600


def record(network: str, models: Path, tfjs: Path, folder: Path = _FOLDER) -> Path:
    """Run one network and write `<network>.npz`: per output its sampled values, and its shape as `<output>.shape`."""
    values = golden_input(network, folder / "astronaut.png")
    with tempfile.TemporaryDirectory() as scratch:
        raw = Path(scratch) / "input.bin"
        raw.write_bytes(values.tobytes())
        shape = ",".join(map(str, values.shape))
        model = str((models / f"{network}.json").resolve())
        command = ["node", str(_SCRIPT), model, str(raw), shape, values.dtype.name]
        finished = subprocess.run(command, cwd=tfjs, capture_output=True, text=True, timeout=_TIMEOUT_S, check=True)
    # TensorFlow.js talks about itself on standard output before the script does.
    outputs = json.loads(finished.stdout[finished.stdout.index('{"') :])
    arrays: dict[str, npt.NDArray[Any]] = {}
    for name, output in outputs.items():
        data = np.frombuffer(base64.b64decode(output["data"]), "<f4")
        arrays[name] = subsample(data)
        arrays[f"{name}.shape"] = np.array(output["shape"], np.int64)
    target = folder / f"{network}.npz"
    np.savez_compressed(target, allow_pickle=False, **arrays)
    return target


def main() -> None:
    """Record every network."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tfjs", type=Path, required=True, help="folder with node_modules/@tensorflow/tfjs")
    parser.add_argument("--models", type=Path, required=True, help="folder with <network>.json and its .bin")
    options = parser.parse_args()
    for network in NETWORKS:
        target = record(network, options.models, options.tfjs)
        print(f"{target.name}: {target.stat().st_size} bytes")


if __name__ == "__main__":
    main()
