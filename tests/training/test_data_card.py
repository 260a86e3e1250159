"""The data card counts what was read, by source and by label."""

from dataclasses import replace

import numpy as np

from classifiers.bundle import Source
from labels.records import Post
from training.data_card import data_card
from training.lessons import HEADS, Lessons


def lessons(*names: str, rows: int) -> Lessons:
    """As many posts of each source, all labels unknown."""
    sources = tuple(Source(name=name, rows=rows, licence="CC0", sha256="0" * 64) for name in names)
    writers = [name for name in names for _ in range(rows)]
    return Lessons(
        posts=[Post(data_id=f"p{n}", text="早上好。") for n in range(len(writers))],
        labels=np.full((len(writers), len(HEADS)), np.nan),
        writers=writers,
        genres=writers,
        groups=writers,
        trust=np.ones(len(writers)),
        sources=sources,
    )


def test_rows_are_counted_by_source_and_by_label() -> None:
    """A corpus names its writers, a folder of public sets the set; what is not said is neither."""
    corpus = replace(lessons("labels/corpus", rows=3), writers=["w1", "w2", "w2"])
    corpus.labels[:, HEADS.index("distortion")] = (1, 0, 0)
    public = lessons("news", "essays", rows=2)
    public.labels[2:, HEADS.index("machine_written")] = (1, 0)
    card = data_card([corpus, public], 5)
    assert "One of\n5 folds" in card
    assert "| labels/corpus | CC0 | 3 |  | 1 / 2 |  |  |  |" in card
    assert "| news | CC0 | 2 |  |  |  |  |  |" in card
    assert "| essays | CC0 | 2 |  |  |  |  | 1 / 1 |" in card
    assert "| distortion | 1 | 2 | 4 |" in card
    assert "| machine_written | 1 | 1 | 5 |" in card
    assert "| impersonation | 0 | 0 | 7 |" in card
