"""Label events as rows to learn from."""

import hashlib
from collections.abc import Sequence

import numpy as np

from classifiers.bundle import Manifest, Source
from labels.label_events import LABEL_EVENT, LabelEvent
from labels.records import LabelledPost
from labels.samples import Verdict
from labels.taxonomy import Category, taxonomy
from training.lessons import CORPUS_GENRE, HEADS, Lessons
from training.ngram import Floats

#: the name of this source in a manifest
LABEL_EVENTS = "label events"
_LICENCE = "the platform's own posts, not to be passed on"


def data_sets(manifest: Manifest) -> tuple[Source, ...]:
    """The corpus, then the public sets a model learned from; label events are no data set."""
    return tuple(source for source in manifest.sources if source.name != LABEL_EVENTS)


def event_lessons(events: Sequence[LabelEvent], trust: Floats, stories: Sequence[int]) -> Lessons:
    """Rows of findings that say violation or clean.

    A clean post breaks no clause. Of a violation the clauses that were found are known to hold,
    and that it is of no protected class; whether it breaks others too nobody was asked.

    Args:
        events: without doubts, at least one.
        trust: shape (events,), how much each counts.
        stories: the same number for copies, which stay on one side of every split.
    """
    digest = hashlib.sha256()
    for event, weight in zip(events, trust, strict=True):
        digest.update(LABEL_EVENT.dump_json(event) + f" {weight:.6f}\n".encode())
    source = Source(
        name=LABEL_EVENTS, rows=len(events), licence=_LICENCE, sha256=digest.hexdigest()
    )
    return Lessons(
        posts=[_post(place, event) for place, event in enumerate(events)],
        labels=np.array([_labels(event) for event in events]),
        writers=[LABEL_EVENTS] * len(events),
        genres=[CORPUS_GENRE] * len(events),
        groups=[f"{LABEL_EVENTS} {story}" for story in stories],
        trust=trust,
        sources=(source,),
    )


def _labels(event: LabelEvent) -> list[float]:
    known = taxonomy()
    marks: dict[str, float] = {}
    if event.verdict is Verdict.VIOLATION:
        marks |= dict.fromkeys(known.protected, 0.0)
        marks |= {known.category_of[clause]: 1.0 for clause in event.clauses}
        marks |= dict.fromkeys(event.clauses, 1.0)
    else:
        marks |= dict.fromkeys((*Category, *known.clauses), 0.0)
        marks |= dict.fromkeys(event.protected, 1.0)
    return [marks.get(head, np.nan) for head in HEADS]


def _post(place: int, event: LabelEvent) -> LabelledPost:
    """The post with the finding, under an id of its own: two events may be of one post."""
    categories = {taxonomy().category_of[clause] for clause in event.clauses}
    return LabelledPost(
        **event.post.model_dump(exclude={"data_id", "author", "declared"}),
        author=event.post.author,
        declared=event.post.declared,
        data_id=f"{LABEL_EVENTS} {place}",
        labels=tuple(category for category in Category if category in categories),
        clauses=event.clauses,
        protected=event.protected if not event.clauses else (),
        evidence=(),
        severity=int(bool(event.clauses)),
        note="",
    )
