"""The first stage clears what is plainly ordinary, and changes nothing else."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from classifiers.bundle import FIRST_STAGE, MANIFEST, default_model_folder, file_sha256, read_bundle
from classifiers.scorer import Scorer, load_scorer
from labels.dataset import load_corpus, posts, unseen_writers_folder
from labels.errors import ModelError
from labels.reader import read_labels
from labels.records import Post
from labels.results import ScoringStage, Suggestion
from labels.taxonomy import taxonomy
from policy.decide import decide
from policy.pack import default_pack_path, load_pack
from policy.resolve import resolve
from policy.statistics import moved
from tests.conftest import make_post

MODEL = default_model_folder()
ORDINARY = "周末带孩子去公园放风筝，风有点大，回来路上买了两斤橘子。"
WRONG = "从医32年的良心话：血压高别排队挂号了，喝我配的络安茶就行，三个疗程停掉降压药，私信领。"


@pytest.fixture(scope="module")
def many() -> list[Post]:
    """Posts by writers from whom the model did not learn."""
    return posts(load_corpus(unseen_writers_folder()))[::3]


@pytest.fixture(scope="module")
def staged() -> Scorer:
    """The shipped model with its cascade."""
    return load_scorer(MODEL, threads=1, cascade=True)


def test_what_is_cleared_passes_and_the_rest_is_as_without(
    many: list[Post], staged: Scorer, scorer: Scorer
) -> None:
    """Posts that go on have the whole model's scores, to the bit."""
    policy = resolve(load_pack(default_pack_path()).pack, scorer.operating)
    found, whole = staged.score(many), scorer.score(many)
    assert {each.stage for each in whole} == {ScoringStage.FULL}
    cleared = [each.stage is ScoringStage.FIRST for each in found]
    assert 0.1 < sum(cleared) / len(many) < 0.8
    for post, each, full, gone in zip(many, found, whole, cleared, strict=True):
        assert tuple(each.heads) == taxonomy().heads
        if gone:
            assert decide(each, read_labels(post), policy).suggestion is Suggestion.PASS
        else:
            assert each == full


def test_what_may_be_cleared_lies_far_below_every_level(staged: Scorer) -> None:
    """The first stage's own scores suggest nothing under the pack in the package."""
    cascade = read_bundle(MODEL).manifest.cascade
    assert cascade
    policy = resolve(load_pack(default_pack_path()).pack, staged.operating)
    for category, limit in cascade.clears.items():
        prompt = policy.levels[category].prompt
        assert prompt
        assert moved(limit, policy.shifts[category]) < prompt / 2


def test_neighbours_and_threads_change_no_bit(many: list[Post], staged: Scorer) -> None:
    """With the cascade too."""
    alone = [staged.score([post])[0] for post in many]
    assert staged.score(many) == alone
    both = load_scorer(MODEL, threads=2, cascade=True)
    assert both.score(many[::-1]) == alone[::-1]


def test_one_bad_window_is_enough_to_go_on(staged: Scorer) -> None:
    """Ordinary words around it, as many as may be, do not clear a post."""
    (plain,) = staged.score([make_post(text=ORDINARY * 20)])
    (hidden,) = staged.score([make_post(text=ORDINARY * 10 + WRONG + ORDINARY * 10)])
    assert (plain.stage, hidden.stage) == (ScoringStage.FIRST, ScoringStage.FULL)


def test_explanations_and_log_odds_are_the_whole_models(
    many: list[Post], staged: Scorer, scorer: Scorer
) -> None:
    """Whoever asks for reasons gets those of the model that decides."""
    heads = ["impersonation", "distortion"]
    assert (staged.log_odds(many[:5], heads) == scorer.log_odds(many[:5], heads)).all()


def test_a_bundle_without_a_first_stage_has_no_cascade(tmp_path: Path) -> None:
    """It loads as ever; asking for a cascade is told."""
    folder = Path(shutil.copytree(MODEL, tmp_path / "model"))
    manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    del manifest["cascade"], manifest["files"][FIRST_STAGE]
    (folder / MANIFEST).write_text(json.dumps(manifest), encoding="utf-8")
    assert not load_scorer(folder, threads=1).cascade
    with pytest.raises(ModelError, match="has no cascade"):
        load_scorer(folder, threads=1, cascade=True)


def test_a_first_stage_of_another_model_is_refused(tmp_path: Path) -> None:
    """Its shapes must be those of the manifest's heads."""
    folder = Path(shutil.copytree(MODEL, tmp_path / "model"))
    np.savez(folder / FIRST_STAGE, weights=np.zeros((4, 4)), bias=np.zeros(4))
    manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    manifest["files"][FIRST_STAGE] = file_sha256(folder / FIRST_STAGE)
    (folder / MANIFEST).write_text(json.dumps(manifest), encoding="utf-8")
    assert read_bundle(folder)
    with pytest.raises(ModelError, match="do not fit 43 heads"):
        load_scorer(folder, threads=1, cascade=True)
