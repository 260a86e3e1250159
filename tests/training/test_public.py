"""Public data sets are read with their gaps, cleaned of what gives a label away."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifiers.bundle import Source, default_model_folder, read_bundle
from labels.dataset import corpus_folder
from labels.errors import InputError
from tests.training.public_sets import long_text, write_public_sets
from training.lessons import HEADS, Lessons, corpus_lessons, public_lessons
from training.public.clean import MAX_PASSAGE, MIN_PASSAGE, passages, tidy, without_verdict
from training.public.rows import PublicRow, sampled
from training.public.sources import SOURCES, UNSEEN_GENERATOR, read_sources
from training.release.rows import Unlearned, unlearned

TEXTS = st.text(alphabet="今天下雨了，。！“”a9 \n", max_size=1500)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All sets in miniature."""
    return write_public_sets(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def lessons(data: Path) -> Lessons:
    """What is trained on."""
    return public_lessons(data, train=True)


def known(lessons: Lessons, source: str, head: str) -> list[float]:
    """The labels of one source for one head, NaN as -1."""
    rows = [place for place, writer in enumerate(lessons.writers) if writer == source]
    return np.nan_to_num(lessons.labels[rows, HEADS.index(head)], nan=-1).tolist()


def test_every_set_is_read_and_named(lessons: Lessons) -> None:
    """Rows, licence and hash of each source; nobody's author or declarations."""
    trained = {source.name for source in SOURCES if source.train}
    assert {source.name for source in lessons.sources} == trained == set(lessons.writers)
    assert sum(source.rows for source in lessons.sources) == len(lessons.posts)
    assert all(source.licence for source in lessons.sources)
    assert all(post.author is None and post.declared is None for post in lessons.posts)


def test_non_commercial_and_research_sets_are_not_trained_on(data: Path, lessons: Lessons) -> None:
    """They are for evaluation at most."""
    held = {source.name for source, _ in read_sources(data, train=False)}
    assert held == {
        UNSEEN_GENERATOR,
        "hc3-chinese medicine",
        "thucnews_titles",
        "weibo-smp2020-ewect",
    }
    assert not held & set(lessons.writers)
    assert not any("ocnli" in source.name for source in SOURCES)


def test_sets_without_an_express_licence_can_be_left_out(data: Path) -> None:
    """A badge on a collection of other people's texts is no licence of theirs."""
    licensed = public_lessons(data, train=True, licensed=True)
    licences = {source.licence for source in licensed.sources}
    assert licences == {"Apache-2.0", "CC BY 4.0", "CC BY-SA 4.0", "CC0", "not in copyright"}
    assert {source.name for source in licensed.sources} == set(licensed.writers)


def test_what_a_model_did_not_learn_from_is_told_by_its_manifest(data: Path) -> None:
    """Sets it never read are unseen whole; of those it read, the groups held out."""
    corpus = corpus_lessons(corpus_folder())
    licensed = public_lessons(data, train=True, licensed=True)
    manifest = read_bundle(default_model_folder()).manifest

    def learned_from(*sources: Source) -> Unlearned:
        mine = manifest.model_copy(update={"sources": (*corpus.sources, *sources)})
        return unlearned(mine, corpus_folder(), data)

    found = learned_from(*licensed.sources)
    assert found.public
    assert found.unseen
    assert set(found.public.writers) <= set(licensed.writers)
    assert "weibo16_jin" in found.unseen.writers
    assert not set(found.unseen.writers) & set(licensed.writers)
    everything = learned_from(*public_lessons(data, train=True).sources)
    assert everything.unseen
    assert "weibo16_jin" not in everything.unseen.writers
    alone = learned_from()
    assert alone.public is None
    assert alone.unseen
    assert set(licensed.writers) <= set(alone.unseen.writers)


def test_a_rumour_says_nothing_of_other_categories(lessons: Lessons) -> None:
    """Weak positives of one category, unknown in the others; ordinary posts are clean in all."""
    assert sorted(known(lessons, "weibo16_jin", "distortion")) == [0, 0, 0, 0, 1, 1, 1, 1]
    other = known(lessons, "weibo16_jin", "impersonation")
    assert sorted(other) == [-1, -1, -1, -1, 0, 0, 0, 0]
    assert set(known(lessons, "weibo16_jin", "machine_written")) == {-1}


def test_one_row_stands_for_a_group_of_near_duplicates(lessons: Lessons) -> None:
    """Also across sets; rows that are not grouped are too short to use."""
    assert lessons.writers.count("weibo16_jin") == 8
    assert lessons.writers.count("ced_thunlp") == 2
    assert lessons.writers.count("ma_weibo") == 1


def test_open_claims_and_foreign_topics_are_left_out(lessons: Lessons) -> None:
    """Only what was judged is learned from; both labels have one length and no line breaks."""
    assert sorted(known(lessons, "guokr_liuyan", "false_specialist")) == [0, 1]
    assert sorted(known(lessons, "hrde_health", "false_specialist")) == [0, 1]
    texts = [
        post.text or ""
        for post, writer in zip(lessons.posts, lessons.writers, strict=True)
        if writer == "hrde_health"
    ]
    assert {len(text) for text in texts} == {MAX_PASSAGE}


def test_who_wrote_short_texts_is_not_asked(lessons: Lessons) -> None:
    """Under 100 characters nobody can tell."""
    column = lessons.labels[:, HEADS.index("machine_written")]
    for post, label in zip(lessons.posts, column, strict=True):
        assert np.isnan(label) or len(post.text or "") >= MIN_PASSAGE


def test_machine_text_is_read_as_such(lessons: Lessons) -> None:
    """Label 1 of one set is human and of the others machine; text that says so is dropped."""
    for source in ("c-red paper", "hc3-chinese law", "hc3-plus-zh"):
        assert sorted(known(lessons, source, "machine_written")) == [0, 1]
    assert set(known(lessons, "c-red news", "machine_written")) == {0}
    assert not any("作为一个AI" in (post.text or "") for post in lessons.posts)


def test_one_generator_is_never_learned_from(data: Path, lessons: Lessons) -> None:
    """Its texts are all that its own source holds, and no other source has one."""
    texts = {post.text for post in lessons.posts}
    (unseen,) = (
        rows for source, rows in read_sources(data, train=False) if "unseen" in source.name
    )
    assert {row.made for row in unseen} == {"qwen-3"}
    assert not texts & {row.text for row in unseen}


def test_nothing_that_gives_a_label_away_is_left(lessons: Lessons) -> None:
    """Brackets, hash signs, links, accounts, phone numbers, line breaks."""
    for post in lessons.posts:
        text = post.text or ""
        assert not set("【】#\n") & set(text)
        assert "13812345678" not in text
        assert "某某人" not in text


def test_a_set_that_is_missing_or_misshapen_is_named(data: Path, tmp_path: Path) -> None:
    """Rather than trained without."""
    with pytest.raises(InputError, match="weibo16_jin"):
        public_lessons(tmp_path, train=True)
    broken = write_public_sets(tmp_path / "broken")
    (broken / "hrde_health" / "dev_data.json").write_text('[{"input": "x"}]', encoding="utf-8")
    with pytest.raises(InputError, match="hrde_health"):
        public_lessons(broken, train=True)


@given(TEXTS, st.integers(1, 4))
def test_passages_are_whole_and_of_the_agreed_length(text: str, count: int) -> None:
    """Short texts as they are; of long ones pieces of the text, not too short and not too long."""
    found = list(passages(text, count))
    assert len(found) <= count
    if len(text) <= MAX_PASSAGE:
        assert found == [text]
    for passage in found:
        assert passage in text
        assert len(passage) <= MAX_PASSAGE


def test_verdicts_go_from_some_refutations() -> None:
    """So that the words do not come to mean that a text is harmless."""
    texts = [f"{number}：经核实，此消息为谣言，请勿转发。" for number in range(40)]
    left = [without_verdict(text) for text in texts]
    gone = sum("谣言" not in text for text in left)
    assert 5 < gone < 35


def test_tidy_reads_as_one_line() -> None:
    """Names and numbers are masked, lines become sentences, quotes one kind."""
    text = (
        "【急】<b>联系人：王小明，</b>\n电话 138-1234-5678\n#转# 他说“快来” http://t.cn/a1 @老李 "
    )
    assert tidy(text) == '急联系人：某某，电话00000000000。转他说"快来" @用户'


def test_people_and_machines_are_sampled_alike() -> None:
    """A set with nine machine texts to a human one teaches both."""
    rows = [PublicRow(long_text(n), {"machine_written": n % 10 > 0}, str(n)) for n in range(100)]
    taken = [row.marks["machine_written"] for row in sampled(rows, 20)]
    assert sorted(taken) == [False] * 10 + [True] * 10
