"""The AI-label state of a post: from its labels and declarations alone, never from a score."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from labels.reader.explicit import ExplicitLabel, Kind, Wording, read_explicit
from labels.reader.implicit import ImplicitLabel, read_implicit
from labels.records import Post


class AiState(StrEnum):
    """What a distribution platform shows, after art. 6 of the labelling measures."""

    CONFIRMED = "confirmed"
    POSSIBLE = "possible"
    SUSPECTED = "suspected"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class LabelReading:
    """All labels of a post and the state that follows; a state is never a violation."""

    state: AiState
    malformed: bool
    explicit: tuple[ExplicitLabel, ...]
    implicit: tuple[ImplicitLabel, ...]
    declared_ai: bool | None
    declared_fiction: bool | None

    def wording(self, kind: Kind) -> Wording | None:
        """The best wording in which a label of this kind was read; None if there is none."""
        wordings = [label.wording for label in self.explicit if label.kind is kind]
        return min(wordings, default=None)


def read_labels(post: Post) -> LabelReading:
    """Read title, text, display name, bio, file metadata and declarations of a post."""
    author, declared = post.author, post.declared
    spoken = (post.title, post.text, author and author.display_name, author and author.bio)
    explicit = tuple(label for field in spoken if field for label in read_explicit(field))
    implicit = read_implicit(post.metadata, post.text or "")
    declared_ai = declared.ai_generated if declared else None
    return LabelReading(
        state=_state(implicit, explicit, declared_ai=declared_ai is True),
        malformed=_malformed(implicit),
        explicit=explicit,
        implicit=implicit,
        declared_ai=declared_ai,
        declared_fiction=declared.fiction if declared else None,
    )


_BY_LABEL = {"1": AiState.CONFIRMED, "2": AiState.POSSIBLE, "3": AiState.SUSPECTED}


def _state(
    implicit: Sequence[ImplicitLabel], explicit: Sequence[ExplicitLabel], *, declared_ai: bool
) -> AiState:
    """Art. 6(1) to 6(3) in order; a file's own label is never upgraded."""
    readable = [label.label for label in implicit if label.label]
    if readable:
        return _BY_LABEL[readable[0]]
    if implicit:
        return AiState.SUSPECTED
    if declared_ai:
        return AiState.POSSIBLE
    return AiState.SUSPECTED if any(x.kind is Kind.AI for x in explicit) else AiState.NONE


def _malformed(implicit: Sequence[ImplicitLabel]) -> bool:
    """A record whose Label cannot be used, or several that differ (GB 45438-2025, 6.1 c)."""
    values = {label.label for label in implicit}
    return None in values or len(values) > 1
