"""What the reference network makes of the validation samples; the first few become the bundle's golden pairs."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from assistant.inference.bundle import GoldenPair, read_golden
from export.errors import ConversionError
from export.recipe import Array, Feeds, Network, Outputs


def exact_network(path: Path, *, threads: int = 0) -> Network:
    """A graph run by onnxruntime with every optimization off.

    With them on, onnxruntime miscomputes some graphs that mix INT8 and FP16 (cosine 0.74 where it should be 1).
    Raises `ConversionError`, and so does the network, when onnxruntime cannot run it, and `MemoryError` where it has no
    memory for it.
    """
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = threads
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    with _told(path):
        session = ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]

    def run(feeds: Feeds) -> Outputs:
        with _told(path):
            return dict(zip(names, session.run(names, feeds), strict=True))

    return run


@contextmanager
def _told(path: Path) -> Iterator[None]:
    import onnxruntime as ort

    try:
        yield
    except MemoryError:
        raise  # says nothing of the network
    except Exception as error:  # onnxruntime raises its own types, which have no common base
        reason = str(error).strip().partition("\n")[0].rstrip(".")
        raise ConversionError(f"onnxruntime {ort.__version__} cannot run {path}: {reason}.") from error


def write_reference(network: Network, samples: Iterable[Feeds], folder: Path) -> None:
    """Write `0000.npz` … into `folder`, a pair each, uncompressed: they are read once a variant."""
    for number, feeds in enumerate(samples):
        np.savez(folder / f"{number:04}.npz", allow_pickle=False, **_arrays(feeds, network(feeds)))


def write_golden(reference: Path, count: int, folder: Path) -> None:
    """Write the first `count` pairs of `write_reference` into `folder`, compressed."""
    for pair in itertools.islice(read_pairs(reference), count):
        np.savez_compressed(folder / f"{pair.name}.npz", allow_pickle=False, **_arrays(pair.inputs, pair.outputs))


def read_pairs(folder: Path) -> Iterator[GoldenPair]:
    """The pairs of `write_reference`, one at a time, in order."""
    for path in sorted(folder.glob("*.npz")):
        yield read_golden(path)


def _arrays(inputs: Feeds, outputs: Outputs) -> dict[str, Array]:
    """In a fixed order: the same arrays give the same bytes, for numpy puts no time into its archives."""
    arrays = {f"input/{name}": inputs[name] for name in sorted(inputs)}
    return arrays | {f"output/{name}": np.asarray(outputs[name]) for name in sorted(outputs)}
