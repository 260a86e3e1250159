"""Labels that a post carries: read from its words, its file metadata and its declarations."""

from labels.reader.explicit import ExplicitLabel, Kind, Wording, read_explicit
from labels.reader.implicit import ImplicitLabel, read_implicit
from labels.reader.post import AiState, LabelReading, read_labels

__all__ = [
    "AiState",
    "ExplicitLabel",
    "ImplicitLabel",
    "Kind",
    "LabelReading",
    "Wording",
    "read_explicit",
    "read_implicit",
    "read_labels",
]
