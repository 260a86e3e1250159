"""What of a heap of label events is learned from, and what is put to people first."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from labels.label_events import LabelEvent, Origin, settled
from labels.records import Post
from labels.samples import Verdict
from labels.yamlfile import Strict
from training.config import NgramConfig
from training.label_lessons import event_lessons
from training.label_quality.alpha import agreement
from training.label_quality.copies import copied, stories
from training.label_quality.floods import Caps, capped
from training.label_quality.suspects import Suspect, suspects
from training.lessons import Lessons
from training.ngram import Floats

#: where one person alone said so
_ONE_PERSON = frozenset({Origin.CHOSEN, Origin.SAMPLE, Origin.REVIEW})


class ScreenConfig(Strict):
    """How label events are screened; see ``configs/retrain.yaml``."""

    caps: Caps


@dataclass(frozen=True, slots=True)
class Doubt:
    """An event whose label is suspected. ``held_back``: it is not learned from until settled."""

    event: LabelEvent
    suspects: tuple[Suspect, ...]
    held_back: bool


@dataclass(frozen=True, slots=True)
class Screened:
    """Events to learn from with their weights and stories, doubts, and the report's figures."""

    events: list[LabelEvent]
    trust: Floats
    stories: npt.NDArray[np.int64]
    doubts: list[Doubt]
    report: dict[str, Any]


def screen(
    events: Sequence[LabelEvent],
    corpus: Lessons,
    measured_on: Sequence[Post],
    config: ScreenConfig,
    ngram: NgramConfig,
    *,
    jobs: int,
) -> Screened:
    """Settle conflicts, leave out doubts and leaks, suspect, cut floods.

    A suspected label that one person gave is held back until a second one settles it; one that
    an appeal or two reviewers gave is learned from, and put to people too.

    Args:
        events: all findings.
        corpus: rows that the labels are held against.
        measured_on: posts that models are measured on, of which no copy may be learned.
        config: the caps.
        ngram: of the model that suspects.
        jobs: heads learned at the same time.
    """
    found = settled(events)
    sure = [each.event for each in found if each.event.verdict is not Verdict.UNSURE]
    copies = copied([event.post for event in sure], measured_on)
    clear = [event for event, copy in zip(sure, copies, strict=True) if copy < 0]
    leaks = [
        {"post": event.post.data_id, "copies": measured_on[copy].data_id}
        for event, copy in zip(sure, copies, strict=True)
        if copy >= 0
    ]
    doubts = _doubts(clear, corpus, ngram, jobs)
    held = {id(doubt.event) for doubt in doubts if doubt.held_back}
    kept = [event for event in clear if id(event) not in held]
    story = stories([event.post for event in kept])
    trust, floods = capped(kept, story.tolist(), config.caps)
    report = {
        "events": len(events),
        "posts": len(found),
        "in_conflict": sum(bool(each.against) for each in found),
        "doubtful": len(found) - len(sure),
        "copies_of_measured_posts": leaks,
        "suspected": len(doubts),
        "held_back": len(held),
        "learned": len(kept),
        "weight": round(float(trust.sum()), 1),
        "by_origin": {o.value: sum(event.origin is o for event in kept) for o in Origin},
        "agreement": agreement(events),
        "floods": [asdict(flood) for flood in floods],
    }
    return Screened(kept, trust, story, doubts, report)


def _doubts(
    events: Sequence[LabelEvent], corpus: Lessons, ngram: NgramConfig, jobs: int
) -> list[Doubt]:
    """Events with a suspected label, the surest first."""
    if not events:
        return []
    story = stories([event.post for event in events])
    weights = np.array([event.weight for event in events])
    both = event_lessons(events, weights, story.tolist()) + corpus
    by_row: dict[int, list[Suspect]] = {}
    for suspect in suspects(both, ngram, jobs=jobs):
        if suspect.row < len(events):
            by_row.setdefault(suspect.row, []).append(suspect)
    return [
        Doubt(events[row], tuple(mine), events[row].origin in _ONE_PERSON)
        for row, mine in by_row.items()
    ]
