"""The first stage of a cascade: the n-gram part alone clears posts that are plainly ordinary."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from classifiers.bundle import FIRST_STAGE, Bundle
from classifiers.ngram_model import NgramModel
from labels.errors import ModelError

Floats = npt.NDArray[np.float64]
Numbers = npt.NDArray[np.floating[Any]]


class FirstStage:
    """What the whole model is expected to say, by the n-gram part, and which posts that clears.

    The log-odds that are expected are linear in the part's of all heads, window by window; the
    worst window counts. A post is cleared if every category's probability is below its bound.
    """

    def __init__(self, bundle: Bundle, part: NgramModel) -> None:
        """The first stage of a checked bundle, over its loaded n-gram part.

        Raises:
            ModelError: it has none, or one that does not fit the manifest.
        """
        manifest = bundle.manifest
        if manifest.cascade is None:
            raise ModelError(
                f"{bundle.folder}: {manifest.id} {manifest.version} has no cascade",
                remedy="score without it, or add one with `mingbian train cascade`",
            )
        self.part = part
        self._weights, self._bias = _read(bundle.folder / FIRST_STAGE, len(manifest.heads))
        self._places = [manifest.heads.index(category) for category in manifest.cascade.clears]
        self._bounds = np.array(list(manifest.cascade.clears.values()))

    def look(self, rows: Numbers) -> "Look":
        """At what the part read of one post: log-odds of shape (windows, heads)."""
        found = expected(rows, self._weights, self._bias)
        return Look(found, bool((found[self._places] < self._bounds).all()))


@dataclass(frozen=True, slots=True)
class Look:
    """What the first stage says of a post.

    ``expected`` are the whole model's probabilities, shape (heads,); ``cleared`` posts need not
    be read any further.
    """

    expected: Floats
    cleared: bool


def expected(rows: Numbers, weights: Numbers, bias: Numbers) -> Floats:
    """Probabilities of shape (heads,) of a post's worst windows.

    Args:
        rows: log-odds of the n-gram part, shape (windows, heads).
        weights: shape (heads, heads), of a linear map to the whole model's calibrated log-odds.
        bias: shape (heads,).
    """
    # einsum and not a matrix product, which may sum in another order for another number of windows
    found = np.einsum("wh,hk->wk", rows.astype(np.float64), weights) + bias
    return np.asarray(1 / (1 + np.exp(-found.max(axis=0))))


def _read(path: Path, heads: int) -> tuple[Floats, Floats]:
    try:
        with np.load(path, allow_pickle=False) as arrays:
            weights, bias = arrays["weights"], arrays["bias"]
    except (OSError, ValueError, KeyError) as error:
        raise ModelError(f"{path}: cannot be loaded: {error}") from error
    if weights.shape != (heads, heads) or bias.shape != (heads,):
        raise ModelError(
            f"{path}: shapes {weights.shape} and {bias.shape} do not fit {heads} heads",
            remedy="export the model again",
        )
    return weights.astype(np.float64), bias.astype(np.float64)
