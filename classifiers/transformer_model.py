"""Runtime of the multi-task transformer: token ids in, log-odds out."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from tokenizers import Tokenizer

from classifiers.bundle import TransformerPart
from classifiers.encoding import PostEncoder
from classifiers.rendering import MARKERS
from classifiers.session import Session
from classifiers.traffic import Traffic
from classifiers.windows import Windows
from labels.errors import ModelError
from labels.records import Post

TOKENIZER = "tokenizer.json"
GRAPH = "transformer.onnx"


class TransformerModel:
    """A :class:`classifiers.scorer.Reader` over the windows of a post.

    The graph takes ``input_ids`` (int64) of shape (1, tokens). A run holds one window without
    padding: activations are scaled to 8 bits by the run, so neighbours would change a score.
    Posts that come together take a core each, which serves most of them; a lone one takes all.
    """

    def __init__(
        self,
        folder: Path,
        part: TransformerPart,
        windows: Windows,
        heads: int,
        traffic: Traffic,
    ) -> None:
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
        self._encoder = PostEncoder(tokenizer, windows, part.limits)
        self._traffic = traffic
        self._narrow = Session(folder / GRAPH, heads)
        several = traffic.threads > 1
        self._wide = Session(folder / GRAPH, heads, traffic.threads) if several else self._narrow

    def read(self, post: Post) -> npt.NDArray[np.float32]:
        """Log-odds of shape (windows, heads); the worst of what a window was cut into."""
        found = self._encoder.encode(post)
        session = self._wide if self._traffic.lone else self._narrow
        rows = [
            session.run({"input_ids": np.array([window.ids], dtype=np.int64)})[0]
            for window in found
        ]
        return worst(rows, [window.place for window in found])


def worst(
    rows: Sequence[npt.NDArray[np.float32]], places: Sequence[int]
) -> npt.NDArray[np.float32]:
    """Shape (windows, heads): the highest log-odds of the passes over each window."""
    found = np.full((max(places) + 1, len(rows[0])), -np.inf, dtype=np.float32)
    np.maximum.at(found, places, rows)
    return found
