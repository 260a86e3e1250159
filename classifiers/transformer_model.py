"""Runtime of the multi-task transformer: token ids in, log-odds out."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
from tokenizers import Tokenizer

from classifiers.bundle import TransformerPart
from classifiers.encoding import PostEncoder
from classifiers.rendering import MARKERS, content
from classifiers.session import Session
from classifiers.windows import coverage
from labels.errors import ModelError
from labels.records import Post

TOKENIZER = "tokenizer.json"
GRAPH = "transformer.onnx"


class TransformerModel:
    """A :class:`classifiers.scorer.Reader` over the windows of a post.

    The graph takes ``input_ids`` (int64) of shape (1, tokens). A run holds one window without
    padding: activations are scaled to 8 bits by the run, so neighbours would change a score.
    """

    def __init__(self, folder: Path, part: TransformerPart, heads: int) -> None:
        """Load the part of a checked bundle; raises ``ModelError`` if it does not fit."""
        if part.markers != tuple(MARKERS):
            raise ModelError(
                f"{folder}: the model was trained with the markers {part.markers}, "
                f"this version writes {tuple(MARKERS)}",
                remedy="use the version of mingbian that exported it, or train again",
            )
        try:
            tokenizer = Tokenizer.from_file(str(folder / TOKENIZER))
        except Exception as error:  # the library raises no type of its own
            raise ModelError(f"{folder / TOKENIZER}: cannot be loaded: {error}") from error
        self._encoder = PostEncoder(tokenizer, part.limits)
        self._session = Session(folder / GRAPH, heads)

    def read(self, post: Post) -> tuple[npt.NDArray[np.float32], float]:
        """Log-odds of the heads, each of its worst window, and the share of the text read."""
        found = self._encoder.encode(post)
        rows = [
            self._session.run({"input_ids": np.array([window.ids], dtype=np.int64)})[0]
            for window in found
        ]
        spans = [(window.start, window.end) for window in found]
        return np.max(rows, axis=0), coverage(len(content(post)), spans)
