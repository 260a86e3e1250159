"""What an exported model does on rows that it did not learn from, and what that calibrates."""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np

from classifiers.rendering import content
from classifiers.scorer import MIN_ORIGIN_CHARS, Blend
from labels.errors import ModelError
from labels.operating import Operating, OperatingPoint
from labels.records import LabelledPost, Post
from labels.taxonomy import MACHINE_WRITTEN
from training.evaluate import (
    Calibrations,
    calibrate,
    calibrated,
    metrics,
    ranking,
)
from training.lessons import Lessons
from training.ngram import Floats, stripped
from training.operating import operating_table

#: a head's average precision may move by this much in the export to 8 bits
MAX_EXPORT_LOSS = 0.005
#: with fewer held-out positives two rows that swap places move a head by more than that
MIN_POSITIVES = 50
#: an exported graph runs on one thread, so several posts can be read at a time
_CORES = os.cpu_count() or 1


@dataclass(frozen=True, slots=True)
class Candidate:
    """A model as exported, and what it is measured beside.

    ``exact`` is the same before the export, ``transformer`` that without its expert, and
    ``baseline`` the log-odds of the expert alone.
    """

    heads: tuple[str, ...]
    exported: Blend
    exact: Blend
    transformer: Blend
    baseline: Callable[[Sequence[Post]], Floats]


@dataclass(frozen=True, slots=True)
class Behaviour:
    """How a model behaves on rows it did not learn from.

    ``metrics`` is by split, ``calibrations`` one a head, ``operating`` the tables that
    thresholds are looked up in. ``origin_middles`` are of :class:`classifiers.bundle.Manifest`.
    """

    metrics: dict[str, Any]
    calibrations: Calibrations
    operating: dict[str, Operating]
    origin_middles: tuple[float, ...] = ()


def behaviour(candidate: Candidate, corpus: Lessons, public: Lessons | None) -> Behaviour:
    """Figures by split, calibrations and operating tables on held-out rows.

    Args:
        candidate: learned from none of the rows.
        corpus: held-out rows of the labelled corpus.
        public: held-out rows of public sets, None if they were not learned from.
    """
    rows = [post for post in corpus.posts if isinstance(post, LabelledPost)]
    whole = _log_odds(candidate.exported, rows, _CORES)
    found: dict[str, Any] = {
        "held_out_groups": metrics(rows, whole),
        "held_out_groups_stripped": metrics(
            rows, _log_odds(candidate.exported, [stripped(post) for post in rows], _CORES)
        ),
        "held_out_groups_transformer": metrics(rows, _log_odds(candidate.transformer, rows)),
        "held_out_groups_ngram": metrics(rows, candidate.baseline(rows)),
        "export_loss": _export_loss(rows, _log_odds(candidate.exact, rows), whole),
    }
    scores, held_out = [whole], corpus
    middles: tuple[float, ...] = ()
    if public:
        held_out += public
        scores.append(_log_odds(candidate.exported, public.posts, _CORES))
        known = public.labels_of(candidate.heads)
        alone = candidate.baseline(public.posts)
        found["public_groups"] = ranking(scores[-1], known, candidate.heads)
        found["public_groups_ngram"] = ranking(alone, known, candidate.heads)
        middles = origin_middles(candidate.exported, candidate.heads, public)
    labels = held_out.labels_of(candidate.heads)
    calibrations = calibrate(np.vstack(scores), labels)
    table = operating_table(
        calibrated(np.vstack(scores), calibrations), labels, held_out.genres, candidate.heads
    )
    return Behaviour(found, calibrations, table, middles)


def origin_middles(blend: Blend, heads: Sequence[str], rows: Lessons) -> tuple[float, ...]:
    """Log-odds of each part at which it alone leaves open whether a machine wrote a post.

    None without rows of both origins that are long enough to tell.

    Args:
        blend: of an exported model.
        heads: its heads.
        rows: learned from by no part.
    """
    if MACHINE_WRITTEN not in heads:
        return ()
    origins = rows.labels_of([MACHINE_WRITTEN])[:, 0]
    told = [
        place
        for place, post in enumerate(rows.posts)
        if not np.isnan(origins[place]) and len(content(post)) >= MIN_ORIGIN_CHARS
    ]
    if not 0 < origins[told].sum() < len(told):
        return ()
    column = list(heads).index(MACHINE_WRITTEN)

    def alone(post: Post) -> list[float]:
        return [float(each[:, column].max()) for each in blend.apart(post)]

    with ThreadPoolExecutor(_CORES) as pool:
        says = np.array(list(pool.map(alone, [rows.posts[place] for place in told])))
    slopes, offsets = calibrate(says, np.repeat(origins[told][:, None], says.shape[1], axis=1))
    return tuple((-offsets / slopes).tolist())


def unmeasured(heads: Sequence[str]) -> Behaviour:
    """What stands in for a behaviour while it is measured: log-odds as they are."""
    point = OperatingPoint(threshold=0.5, recall=0, fpr=1, worst_genre_fpr=1)
    nothing = Operating(rate=0.5, points=(point,))
    return Behaviour({}, (np.ones(len(heads)), np.zeros(len(heads))), dict.fromkeys(heads, nothing))


def _log_odds(blend: Blend, rows: Sequence[Post], threads: int = 1) -> Floats:
    """Shape (posts, heads)."""
    with ThreadPoolExecutor(threads) as pool:
        return np.array(list(pool.map(blend.read, rows)))


def _export_loss(rows: Sequence[LabelledPost], exact: Floats, exported: Floats) -> dict[str, float]:
    """Average precision lost by each head in the export to 8 bits."""
    before = metrics(rows, exact)["average_precision"]
    after = metrics(rows, exported)["average_precision"]
    return {head: round(before[head] - after[head], 4) for head in before}


def check_export(found: Behaviour, corpus: Lessons) -> None:
    """Refuse an export to 8 bits that costs too much.

    Args:
        found: how the exported model behaves.
        corpus: the held-out rows of the labelled corpus that it was found on.

    Raises:
        ModelError: a head with ``MIN_POSITIVES`` or more of them lost more average precision than
            ``MAX_EXPORT_LOSS``.
    """
    worse = {
        head: loss
        for head, loss in found.metrics["export_loss"].items()
        if loss > MAX_EXPORT_LOSS and (corpus.labels_of([head]) == 1).sum() >= MIN_POSITIVES
    }
    if worse:
        raise ModelError(f"the export to 8 bits costs average precision: {worse}")
