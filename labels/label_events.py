"""What people found of posts, as files carry it from a store to whoever trains.

Of several findings on the same post one counts (:func:`settled`); the others stay in the file.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Self

from pydantic import AwareDatetime, Field, TypeAdapter, model_validator

from labels.jsonl import read_records
from labels.records import Post
from labels.results import Version
from labels.samples import Verdict
from labels.taxonomy import taxonomy
from labels.yamlfile import Strict


class Origin(StrEnum):
    """Where a label comes from, the weakest first; a later one in this list outranks an earlier.

    ``chosen``: one person judged a post of an audit that was chosen for what its label would
    teach. ``sample``: the same, and the post was drawn at random, so that labels of this origin
    alone speak of an audit. ``review``: one reviewer decided. ``two_reviewers``: a second one
    agreed. ``appeal``: somebody who took no part in the decision judged it again.
    """

    CHOSEN = "chosen"
    SAMPLE = "sample"
    REVIEW = "review"
    TWO_REVIEWERS = "two_reviewers"
    APPEAL = "appeal"


#: how much a label counts in training, by its origin
WEIGHTS = {
    Origin.CHOSEN: 0.7,
    Origin.SAMPLE: 0.7,
    Origin.REVIEW: 0.7,
    Origin.TWO_REVIEWERS: 1.0,
    Origin.APPEAL: 1.0,
}
_RANK = tuple(Origin)


class LabelEvent(Strict):
    """One finding. ``clauses`` are those that the post breaks, ``sentence`` the words at issue.

    ``post`` has no account number, and personal data in its words is masked. ``reporters`` are
    ciphers of those whose complaints the case rested on; the same person has the same one.
    ``model`` and ``policy`` are those that brought the post before a person.
    """

    event_id: Annotated[str, Field(min_length=1, max_length=300)]
    at: AwareDatetime
    origin: Origin
    annotator: Annotated[str, Field(min_length=1, max_length=300)]
    post: Post
    verdict: Verdict
    clauses: tuple[str, ...] = ()
    protected: tuple[str, ...] = ()
    sentence: str | None = None
    reporters: tuple[str, ...] = ()
    weight: Annotated[float, Field(gt=0, le=1)]
    model: Version
    policy: Version

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        unknown = taxonomy().unknown(self.clauses, self.protected)
        if unknown:
            raise ValueError(f"{unknown} are not in the taxonomy")
        if (self.verdict is Verdict.VIOLATION) != bool(self.clauses):
            raise ValueError("a violation, and nothing else, names its clauses")
        return self


#: reads and writes one event as JSON
LABEL_EVENT: TypeAdapter[LabelEvent] = TypeAdapter(LabelEvent)


def read_events(path: Path) -> Iterator[LabelEvent]:
    """Events of a JSONL file; raises ``InputError`` with the line."""
    with path.open("rb") as lines:
        yield from read_records(lines, LABEL_EVENT, str(path), "label event")


def write_events(path: Path, events: Iterable[LabelEvent]) -> None:
    """A JSONL file, one event a line."""
    with path.open("wb") as file:
        file.writelines(LABEL_EVENT.dump_json(event) + b"\n" for event in events)


@dataclass(frozen=True, slots=True)
class Settled:
    """The finding that counts of a post, and those that it set aside because they differ."""

    event: LabelEvent
    against: tuple[LabelEvent, ...]


def settled(events: Iterable[LabelEvent]) -> list[Settled]:
    """One finding a post, in the order in which posts first come.

    The rule: who outranks counts (:class:`Origin`); of equal rank the later finding; nobody's
    doubt (``unsure``) sets aside a finding. A post whose text changed is another post.
    """
    found: dict[tuple[str, str], list[LabelEvent]] = {}
    for event in events:
        found.setdefault((event.post.data_id, event.post.content_sha256), []).append(event)
    return [_settle(of_post) for of_post in found.values()]


def _settle(events: list[LabelEvent]) -> Settled:
    last = max(events, key=_standing)
    against = (event for event in events if _finding(event) != _finding(last))
    return Settled(last, tuple(against))


def _finding(event: LabelEvent) -> tuple[Verdict, frozenset[str]]:
    return event.verdict, frozenset(event.clauses)


def _standing(event: LabelEvent) -> tuple[bool, int, datetime]:
    return event.verdict is not Verdict.UNSURE, _RANK.index(event.origin), event.at
