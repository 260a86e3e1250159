"""Scores are a function of the post alone."""

import random
import shutil
from pathlib import Path

import numpy as np
import pytest

from classifiers.bundle import MANIFEST, NgramPart, default_model_folder, read_manifest
from classifiers.rendering import content
from classifiers.scorer import MIN_ORIGIN_CHARS, Blend, load_scorer
from labels.dataset import corpus_folder, load_corpus, posts
from labels.records import Post
from labels.taxonomy import taxonomy
from tests.conftest import make_post

MODEL = default_model_folder()


@pytest.fixture(scope="module")
def many() -> list[Post]:
    """200 posts of the corpus, long ones among them."""
    rows = posts(load_corpus(corpus_folder()))
    return [*sorted(rows, key=lambda post: len(post.text or ""))[-8:], *rows[::60][:192]]


@pytest.mark.first
def test_batch_order_and_threads_change_no_bit(many: list[Post]) -> None:
    """One by one, together, shuffled, on one thread, two, and two for one post: identical."""
    one, two = load_scorer(MODEL, threads=1), load_scorer(MODEL, threads=2)
    alone = {post.data_id: one.score([post])[0] for post in many}
    assert [two.score([post])[0] for post in many] == list(alone.values())
    shuffled = random.Random(7).sample(many, len(many))
    for scorer, batch in ((one, many), (two, shuffled)):
        together = scorer.score(batch)
        assert [alone[post.data_id] for post in batch] == together


@pytest.mark.parametrize("count", [0, 1, 2, 33])
def test_one_result_a_post(many: list[Post], count: int) -> None:
    """Every head of the taxonomy, each a probability; who wrote a short text is left open."""
    results = load_scorer(MODEL, threads=2).score(many[:count])
    assert len(results) == count
    for post, result in zip(many, results, strict=False):
        assert tuple(result.heads) == taxonomy().heads
        assert all(0.0 <= p <= 1.0 for p in result.heads.values())
        assert result.machine_written is None or len(content(post)) >= MIN_ORIGIN_CHARS
        assert result.text_coverage == 1.0


@pytest.mark.parametrize(
    ("middles", "answers"), [((-99.0, -99.0), True), ((99.0, 99.0), True), ((-99.0, 99.0), False)]
)
def test_parts_that_contradict_each_other_leave_the_origin_open(
    tmp_path: Path, middles: tuple[float, float], answers: bool
) -> None:
    """What one part takes for a machine's words and another for a person's, is nobody's."""
    folder = tmp_path / "bundle"
    shutil.copytree(MODEL, folder)
    manifest = read_manifest(folder).manifest.model_copy(update={"origin_middles": middles})
    (folder / MANIFEST).write_text(manifest.model_dump_json(), encoding="utf-8")
    post = make_post(text="明天去河边走走，看看花开了没有。" * 10)
    found = load_scorer(folder, threads=1).score([post])[0]
    assert (found.machine_written is not None) == answers
    assert found.heads == load_scorer(MODEL, threads=1).score([post])[0].heads


class _Fixed:
    """A reader with the same log-odds for every post."""

    def __init__(self, *rows: list[float]) -> None:
        self._rows = np.array(rows, dtype=np.float32)

    def read(self, post: Post) -> np.ndarray:
        """Shape (windows, heads)."""
        return self._rows


def test_the_worst_window_is_that_of_both_parts_together() -> None:
    """A window that one part alone finds bad does not lend its score to another window."""
    one, other = _Fixed([4.0, 0.0], [0.0, 0.0]), _Fixed([-4.0, 0.0], [2.0, 1.0])
    blend = Blend([(0.5, one), (0.5, other)])
    assert blend.read(make_post()).tolist() == [1.0, 0.5]


def test_a_head_may_have_shares_of_its_own() -> None:
    """They hold for that head in every window, and for no other."""
    one, other = _Fixed([4.0, 4.0], [0.0, 0.0]), _Fixed([0.0, 0.0], [2.0, 2.0])
    heads = ("distortion", "1.1")
    ngram = NgramPart(kind="ngram", weight=0.5, weight_by_head={"distortion": 0.75})
    weights = ngram.weights(heads)
    assert weights.tolist() == [0.75, 0.5]
    blend = Blend([(1 - weights, one), (weights, other)])
    assert blend.by_window(make_post()).tolist() == [[1.0, 2.0], [1.5, 1.0]]
    assert blend.read(make_post()).tolist() == [1.5, 2.0]
