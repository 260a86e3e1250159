"""ONNX sessions of one thread, or of several for a post that is alone."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnxruntime as ort

from labels.errors import ModelError, ScoringError

#: fusions whose kernels are slower than the parts they replace
_SLOW_FUSIONS = ["SkipLayerNormFusion", "BiasGeluFusion"]

Feed = dict[str, npt.NDArray[np.generic]]


def session_options(threads: int) -> ort.SessionOptions:
    """What every session of ours runs under."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 4  # failures are raised, and warnings concern the exporter
    return options


def open_graph(path: Path, options: ort.SessionOptions) -> ort.InferenceSession:
    """A graph as we run it; raises what the runtime raises."""
    return ort.InferenceSession(
        str(path),
        options,
        providers=["CPUExecutionProvider"],
        disabled_optimizers=_SLOW_FUSIONS,
    )


class Session:
    """A graph with one output, of shape (rows, heads)."""

    def __init__(self, path: Path, heads: int, threads: int = 1) -> None:
        """Load a graph.

        Args:
            path: of the graph.
            heads: width of its output.
            threads: that share each operator. How many changes no output: they part rows and
                columns, never the sum that makes a number.

        Raises:
            ModelError: it cannot be loaded, or has another number of heads.
        """
        try:
            self._session = open_graph(path, session_options(threads))
        except Exception as error:  # the runtime has no common error type
            raise ModelError(f"{path}: cannot be loaded: {error}") from error
        width = self._session.get_outputs()[0].shape[-1]
        if width != heads:
            raise ModelError(
                f"{path}: {width} outputs, the manifest names {heads} heads",
                remedy="export the model again",
            )

    def run(self, feed: Feed) -> npt.NDArray[np.float32]:
        """The output; safe to call from several threads.

        Raises:
            ScoringError: the runtime failed.
        """
        try:
            (rows,) = self._session.run(None, feed)
        except Exception as error:  # the runtime has no common error type
            raise ScoringError(f"the model failed: {error}") from error
        return np.asarray(rows)
