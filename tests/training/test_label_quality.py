"""Bad labels are found, floods are cut, nothing that is measured on is learned; counts add up."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from labels.dataset import corpus_folder, load_corpus, posts
from labels.label_events import LabelEvent, Origin
from labels.records import LabelledPost, Post
from labels.results import Version
from labels.samples import Verdict
from labels.taxonomy import Category
from labels.yamlfile import read_yaml
from tests.conftest import make_post
from training.config import NgramConfig
from training.label_lessons import event_lessons
from training.label_quality.alpha import agreement, krippendorff_alpha
from training.label_quality.copies import copied, stories
from training.label_quality.floods import Caps, capped
from training.label_quality.page import write_quality
from training.label_quality.screen import ScreenConfig, screen
from training.lessons import HEADS, Lessons, corpus_lessons

NGRAM = Path(__file__).parents[2] / "configs" / "training" / "ngram.yaml"
_VERSION = Version(id="m", version="1", sha256="0" * 64)
_START = datetime(2026, 11, 1, tzinfo=UTC)
_CAPS = Caps(reporter=20, story=20)


def event(
    number: int,
    post: Post,
    *clauses: str,
    origin: Origin = Origin.REVIEW,
    annotator: str = "amy",
    reporters: tuple[str, ...] = (),
    verdict: Verdict | None = None,
) -> LabelEvent:
    return LabelEvent(
        event_id=f"e{number}",
        at=_START + timedelta(minutes=number),
        origin=origin,
        annotator=annotator,
        post=post,
        verdict=verdict or (Verdict.VIOLATION if clauses else Verdict.CLEAN),
        clauses=clauses,
        reporters=reporters,
        weight=1.0,
        model=_VERSION,
        policy=_VERSION,
    )


def found_in(row: LabelledPost, number: int, *, wrongly: bool = False) -> LabelEvent:
    """A finding that says of a corpus row what its label does, or the opposite."""
    plain = Post.model_validate(row.model_dump(include=set(Post.model_fields)))
    clauses = row.clauses if bool(row.labels) != wrongly else ()
    return event(number, plain, *(clauses or (("4.3",) if wrongly and not row.labels else ())))


@pytest.fixture(scope="module")
def corpus() -> Lessons:
    """A tenth of the corpus."""
    whole = corpus_lessons(corpus_folder())
    return whole.at(range(0, len(whole.posts), 10))


def test_alpha_of_a_published_example() -> None:
    """Krippendorff 2011, example A: two observers, two values, alpha 0.095."""
    meg = [0, 1, 0, 0, 0, 0, 0, 0, 1, 0]
    owen = [1, 1, 1, 0, 0, 1, 0, 0, 0, 0]
    units = [(bool(a), bool(b)) for a, b in zip(meg, owen, strict=True)]
    assert krippendorff_alpha(units) == pytest.approx(0.095, abs=5e-4)
    assert krippendorff_alpha([*units, (True,)]) == krippendorff_alpha(units)
    assert krippendorff_alpha([(True, True), (False, False)]) == 1.0
    assert krippendorff_alpha([(True, True), (True,)]) is None


def test_agreement_counts_a_persons_last_word_on_a_post() -> None:
    """By clause, over posts that two people judged; doubts and lone findings say nothing."""
    one, two, three = (make_post(data_id=name, text=f"第{name}条帖子") for name in "123")
    told = [
        event(1, one, "4.3", annotator="amy"),
        event(2, one, "4.3", annotator="ben"),
        event(3, two, "4.3", annotator="amy"),
        event(4, two, annotator="amy"),
        event(5, two, annotator="ben"),
        event(6, three, "2.1", annotator="amy"),
        event(7, three, annotator="ben", verdict=Verdict.UNSURE),
    ]
    found = agreement(told)
    assert found["posts"] == 2
    assert found["alpha"] == {"anything wrong": 1.0, "4.3": 1.0}


def test_copies_are_one_story_even_in_disguise() -> None:
    """A few words changed, or signs wedged in, is the same text; another text is not."""
    text = "网传栎川三中食堂用过期冻肉，八十七名学生连夜送医，校方至今不敢回应，转给家长看看！"
    changed = text.replace("八十七名", "九十多名").replace("看看", "扩散")
    disguised = text.replace("过期", "过*期").replace("学生", "學生")
    other = "周末去爬山，风很大，拍了几张云海，明天继续写游记，欢迎来评论区聊聊路线。"
    made = [make_post(data_id=str(n), text=t) for n, t in enumerate((text, changed, other))]
    found = stories([*made, make_post(data_id="d", text=disguised)]).tolist()
    assert found[0] == found[1] == found[3] != found[2]
    assert copied(made[1:], made[:1]).tolist() == [0, -1]
    assert copied([], made).tolist() == []
    assert stories([]).tolist() == []


def test_one_source_never_outweighs_its_cap() -> None:
    """A flooder's labels share the cap; whoever else complained of a post keeps it whole."""
    mine = [make_post(data_id=str(n), text=f"帖子{n}") for n in range(101)]
    flood = [event(n, post, "4.3", reporters=("x",)) for n, post in enumerate(mine[:100])]
    fair = event(200, mine[100], "4.3", reporters=("x", "y"))
    weights, floods = capped([*flood, fair], range(101), _CAPS)
    assert weights[:100].sum() == pytest.approx(20, rel=0.02)
    assert weights[100] == 1.0
    assert [(each.kind, each.source, each.events) for each in floods] == [("reporter", "x", 101)]
    weights, floods = capped(flood, [7] * 100, Caps(reporter=1000, story=5))
    assert weights.sum() == pytest.approx(5)
    assert floods[0].kind == "story"


def test_what_a_finding_does_not_say_stays_unknown() -> None:
    """A violation says nothing of other clauses; a clean post breaks none."""
    told = [event(1, make_post(data_id="1"), "4.3"), event(2, make_post(data_id="2"))]
    labels = event_lessons(told, np.ones(2), [0, 1]).labels
    by_head = {head: labels[:, place] for place, head in enumerate(HEADS)}
    assert by_head["false_specialist"].tolist() == [1, 0]
    assert by_head["4.3"].tolist() == [1, 0]
    assert np.isnan(by_head["4.1"][0])
    assert by_head["4.1"][1] == 0
    assert np.isnan(by_head[Category.DISTORTION][0])
    assert by_head["satire_or_hyperbole"][0] == 0
    assert np.isnan(by_head["satire_or_hyperbole"][1])
    assert np.isnan(by_head["machine_written"]).all()


def test_wrong_labels_are_suspected_far_more_often_than_right_ones(
    corpus: Lessons, tmp_path: Path
) -> None:
    """A tenth of the labels turned round, half of them by appeals; every event is accounted for.

    The doubted word of one person is held back; a doubted appeal is learned from, since appeals
    are what correct a model, and put to people too.
    """
    rows = posts(load_corpus(corpus_folder()))[3::30]
    wrong = set(range(0, len(rows), 10))
    told = [found_in(row, n, wrongly=n in wrong) for n, row in enumerate(rows)]
    told[::20] = [each.model_copy(update={"origin": Origin.APPEAL}) for each in told[::20]]
    leak = event(9000, make_post(data_id="leak", text="这条帖子用来评测，一字不差地抄了过来。"))
    unsure = event(9001, make_post(data_id="unsure"), verdict=Verdict.UNSURE)
    ngram = read_yaml(NGRAM, NgramConfig).model_copy(update={"folds": 2})
    events = [*told, leak, unsure]
    found = screen(events, corpus, [leak.post], ScreenConfig(caps=_CAPS), ngram, jobs=1)
    doubted = {int(doubt.event.event_id[1:]) for doubt in found.doubts}
    share = len(doubted & wrong) / len(wrong)
    alarms = len(doubted - wrong) / (len(rows) - len(wrong))
    assert share > 0.3
    assert share > 3 * alarms
    appealed = {doubt.event.event_id for doubt in found.doubts if not doubt.held_back}
    assert appealed == {each.event_id for each in told[::20]} & {f"e{n}" for n in doubted}
    assert appealed

    report = found.report
    assert report["events"] == len(events)
    assert [copy["post"] for copy in report["copies_of_measured_posts"]] == ["leak"]
    assert report["doubtful"] == 1
    assert report["learned"] + report["held_back"] + 1 + 1 == report["posts"]
    learned = {event.event_id for event in found.events}
    assert appealed <= learned
    assert not learned & {"e9000", "e9001"}

    write_quality(tmp_path, found)
    page = (tmp_path / "quality.html").read_text(encoding="utf-8")
    assert "疑似标错" in page
    assert "http" not in page
    tasks = json.loads((tmp_path / "doubts.json").read_text(encoding="utf-8"))
    assert len(tasks) == len(found.doubts)
    assert json.loads((tmp_path / "quality.json").read_text(encoding="utf-8")) == report
