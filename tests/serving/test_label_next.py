"""Chosen posts: the doubtful and costly first, unlike one another, and never a random sample."""

import csv
import json
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from click.testing import CliRunner, Result
from sqlalchemy import select

from classifiers.ngram import text_bag
from labels.errors import MingbianError
from labels.label_events import Origin
from labels.samples import Verdict
from labels.yamlfile import read_yaml
from mingbian import cli
from serving.admin_commands import open_store
from serving.audit.choosing import WIDTH, Pool, best, choose, hashed, worth
from serving.audit.costs import Costs, default_costs_path
from serving.label_commands import read_events
from serving.store.schema import cases, decisions
from tests.conftest import FAKE_DOCTOR, REAL_DOCTOR

COSTS = Costs(protected_flagged=8.0, wrong_act=4.0, wrong_review=2.0, miss=1.0)
LEVELS = np.array([[0.4, 0.9], [0.3, np.inf], [0.3, np.inf], [np.inf, np.inf]])
ACT, REVIEW, LESS = 2, 1, 0


def one(
    scores: Sequence[float], suggested: int, *, protected: bool = False
) -> tuple[float, float, int]:
    """Doubt, cost and category of one post."""
    found = worth(np.array([scores]), LEVELS, np.array([suggested]), np.array([protected]), COSTS)
    assert found.value[0] == pytest.approx(found.doubt[0] * found.cost[0])
    return float(found.doubt[0]), float(found.cost[0]), int(found.category[0])


def pool(values: Sequence[float], **columns: Sequence[int]) -> Pool:
    alone = range(len(values))
    return Pool(
        value=np.array(values, dtype=np.float64),
        clusters=np.array(columns.get("clusters", alone), dtype=np.uint64),
        accounts=np.array(columns.get("accounts", alone), dtype=np.uint64),
    )


def flat(posts: int) -> npt.NDArray[np.float32]:
    """Features that leave nothing to choose by."""
    return np.zeros((posts, WIDTH), dtype=np.float32)


def chosen(of: Pool, number: int, *, per_account: int = 1, seed: int = 0) -> list[int]:
    return choose(of, flat(len(of.value)), number, per_account=per_account, seed=seed).tolist()


def test_doubt_is_highest_where_a_level_begins() -> None:
    """At a threshold one bit, whatever the threshold; off levels and sure scores give none."""
    assert one([0.4, 0.0, 0.0, 0.0], REVIEW)[0] == pytest.approx(1)
    assert one([0.9, 0.0, 0.0, 0.0], ACT)[0] == pytest.approx(1)
    assert one([0.0, 0.3, 0.0, 0.0], REVIEW) == (pytest.approx(1), 2.0, 1)
    assert one([0.5, 0.0, 0.0, 0.0], REVIEW)[0] < one([0.45, 0.0, 0.0, 0.0], REVIEW)[0]
    assert one([0.0, 0.0, 0.0, 0.99], LESS)[0] < 1e-6
    assert one([0.0, 1.0, 1e-9, 1.0], LESS)[0] < 1e-6


def test_protected_speech_that_is_flagged_weighs_most() -> None:
    """Then a wrong act, a wrong review, a miss; what led to no flag is a miss at most."""
    at_act, at_review, below = [0.9, 0, 0, 0], [0.41, 0, 0, 0], [0.39, 0, 0, 0]
    assert one(at_review, REVIEW, protected=True)[1] == COSTS.protected_flagged
    assert one(at_act, ACT)[1] == COSTS.wrong_act
    assert one(at_act, REVIEW)[1] == one(at_review, REVIEW)[1] == COSTS.wrong_review
    assert one(below, REVIEW)[1] == one(at_act, LESS)[1] == COSTS.miss
    assert one(below, LESS, protected=True)[1] == COSTS.miss


def test_a_costly_category_may_outweigh_a_more_doubtful_one() -> None:
    """The category that is named is the one of the highest product."""
    assert one([0.85, 0.29, 0, 0], ACT)[1:] == (COSTS.wrong_review, 0)


def test_the_most_valuable_come_first_and_ties_fall_by_the_seed() -> None:
    """The same seed, the same order; another seed, another order among equals alone."""
    equals = pool([1.0, 5.0, *[3.0] * 30])
    draws = {seed: chosen(equals, 10, seed=seed) for seed in (1, 1, 2)}
    assert draws[1] == chosen(equals, 10, seed=1) != draws[2]
    assert all(draw[0] == 1 and 0 not in draw for draw in draws.values())


def test_more_than_there_are_gives_all_and_none_is_refused() -> None:
    """Nothing is made up, and an empty wish is a mistake."""
    assert sorted(chosen(pool([0.0, 0.0, 1.0]), 50)) == [0, 1, 2]
    assert chosen(pool([]), 5) == []
    with pytest.raises(ValueError, match="number is 0"):
        chosen(pool([1.0]), 0)


def test_near_duplicates_and_loud_accounts_do_not_crowd() -> None:
    """One of a cluster, so many of an account, the most valuable ones."""
    near = pool([9.0, 8.0, 7.0, 1.0], clusters=[4, 4, 4, 5])
    assert chosen(near, 3) == [0, 3]
    loud = pool([9.0, 8.0, 7.0, 1.0, 0.5], accounts=[6, 6, 6, 7, 8])
    assert chosen(loud, 4, per_account=2) == [0, 1, 3, 4]
    assert best(loud, 2, per_account=1, seed=0).tolist() == [0, 3]


def test_unlike_posts_come_before_slightly_better_copies() -> None:
    """Of two candidates of nearly equal value, the one with other words."""
    texts = [
        "血压高别排队挂号了，喝我配的茶",
        "血压高别排队挂号，喝我配的好茶",
        "公积金额度下月起上调到一百万",
    ]
    features = hashed([text_bag("", text) for text in texts])
    assert np.linalg.norm(features, axis=1) == pytest.approx(1)
    found = choose(pool([1.0, 0.9, 0.8]), features, 2, per_account=1, seed=0)
    assert found.tolist() == [0, 2]
    assert not hashed([text_bag("", "")]).any()


@pytest.mark.parametrize(
    ("edit", "told"),
    [
        (("miss: 1.0", "miss: 3.0"), "10: miss: above wrong_review (2), which is the graver error"),
        (("wrong_act: 4.0", "wrong_act: 9.0"), "7: wrong_act: above protected_flagged (8)"),
        (
            ("wrong_review: 2.0", "wrong_review: much"),
            "wrong_review: Input should be a valid number",
        ),
        (("miss: 1.0", "miss: 0"), "miss: Input should be greater than 0"),
        (("miss:", "mis:"), "mis: Extra inputs are not permitted"),
    ],
)
def test_a_broken_cost_file_names_its_line(
    tmp_path: Path, edit: tuple[str, str], told: str
) -> None:
    """Protected speech weighs most in any file, and a fault is found from the message alone."""
    text = default_costs_path().read_text(encoding="utf-8")
    assert edit[0] in text
    path = tmp_path / "costs.yaml"
    path.write_text(text.replace(*edit), encoding="utf-8")
    result = audit("label-next", tmp_path, tmp_path, "--costs", path, "--out", tmp_path / "s.csv")
    assert result.exit_code != 0
    assert told in str(result.exception)


def test_the_costs_in_the_package_are_in_order() -> None:
    """They load, and put protected speech first."""
    assert read_yaml(default_costs_path(), Costs).protected_flagged >= 2


def audit(*arguments: object) -> Result:
    result = CliRunner().invoke(cli, ["audit", *map(str, arguments)])
    if result.exception and not isinstance(result.exception, (MingbianError, SystemExit)):
        raise result.exception
    return result


@pytest.fixture(scope="module")
def audited(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A small audit and its source: copies, a loud account, and ordinary posts."""
    folder = tmp_path_factory.mktemp("audited")
    loud = {**FAKE_DOCTOR["author"], "account_id": "loud"}
    posts = [
        *({**FAKE_DOCTOR, "data_id": f"copy{n}", "text": FAKE_DOCTOR["text"].replace("32", f"4{n}")}
          for n in range(4)),
        *({"data_id": f"loud{n}", "text": text, "author": loud} for n, text in enumerate(_LOUD)),
        {**REAL_DOCTOR, "title": "=1+1"},
        {"data_id": "day", "text": "今天天气不错，带孩子去公园放风筝，风有点大。"},
    ]  # fmt: skip
    source = folder / "posts.jsonl"
    lines = [json.dumps(post, ensure_ascii=False) for post in posts]
    source.write_text("\n".join(lines) + "\n", encoding="utf-8")
    assert audit("run", source, "--out", folder / "audit").exit_code == 0
    return folder / "audit", source


_LOUD = (
    "我是市医院退休主任，祖传方子三天治好糖尿病，不用再打胰岛素了。",
    "刚接到通知，明年起个人账户余额全部清零，赶紧去药店刷掉。",
    "我是车祸司机的亲姐姐，真相被捂住了，关注我，等大家看到就放录音。",
    "内部消息，本地银行下周停止取款，家里有存款的今晚就去排队。",
)


def sheet_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def test_a_sheet_says_why_each_post_was_chosen(audited: tuple[Path, Path], tmp_path: Path) -> None:
    """One of the copies, two of the loud account; the same posts whenever it is asked."""
    folder, source = audited
    sheets = tmp_path / "a.csv", tmp_path / "b.csv"
    for sheet in sheets:
        told = audit("label-next", folder, source, "--per-account", 2, "--out", sheet)
        assert "no share can be estimated" in told.output
    found = sheet_of(sheets[0])
    names = [row["data_id"] for row in found]
    assert sum(name.startswith("copy") for name in names) == 1
    assert sum(name.startswith("loud") for name in names) == 2
    assert {"day", "real-doctor"} <= set(names)
    assert {row["stratum"] for row in found} == {"chosen"}
    for row in found:
        assert row["category"] in {
            "impersonation",
            "distortion",
            "unlabeled_ai",
            "false_specialist",
        }
        assert 0 <= float(row["doubt"]) <= 1
        assert float(row["cost"]) in {8.0, 4.0, 2.0, 1.0}
    assert next(row["title"] for row in found if row["data_id"] == "real-doctor") == "'=1+1"
    assert sheets[0].read_bytes() == sheets[1].read_bytes()


def test_the_most_telling_post_is_chosen_first(audited: tuple[Path, Path], tmp_path: Path) -> None:
    """A smaller wish is not the ordinary post of which there is no doubt."""
    folder, source = audited
    everything, few = tmp_path / "all.csv", tmp_path / "few.csv"
    audit("label-next", folder, source, "--out", everything)
    audit("label-next", folder, source, "--size", 1, "--out", few)
    worths = {r["data_id"]: float(r["doubt"]) * float(r["cost"]) for r in sheet_of(everything)}
    assert [row["data_id"] for row in sheet_of(few)] == [max(worths, key=lambda name: worths[name])]
    assert audit("label-next", folder, source, "--size", 0, "--out", few).exit_code == 2


def test_answers_become_labels_and_never_an_estimate(
    audited: tuple[Path, Path], tmp_path: Path
) -> None:
    """A chosen post says nothing of the audit's precision, and the command refuses to say it."""
    folder, source = audited
    sheet, out = tmp_path / "sheet.csv", tmp_path / "labels.jsonl"
    audit("label-next", folder, source, "--size", 3, "--out", sheet)
    rows = [{**row, "verdict": "clean", "annotator": "amy"} for row in sheet_of(sheet)]
    with sheet.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    refused = audit("labels", folder, sheet)
    assert "were chosen" in str(refused.exception)
    written = audit("labels", folder, sheet, source, "--out", out)
    assert written.exit_code == 0
    assert "share" in written.output
    assert "{" not in written.output
    events = list(read_events(out))
    assert [event.post.data_id for event in events] == [row["data_id"] for row in rows]
    assert {(event.origin, event.verdict) for event in events} == {(Origin.CHOSEN, Verdict.CLEAN)}


def test_chosen_posts_reach_the_queue_as_any_other(
    audited: tuple[Path, Path], store_url: str
) -> None:
    """On both databases, once each, and no word there of why they were chosen."""
    folder, source = audited
    for _ in range(2):
        assert audit("label-next", folder, source, "--size", 4, "--store", store_url).exit_code == 0
    with closing(open_store(store_url)) as database, database.read() as connection:
        opened = connection.execute(select(cases)).mappings().all()
        kept = connection.execute(select(decisions)).mappings().all()
    assert len(opened) == len(kept) == 4
    told = json.dumps([dict(row) for row in (*opened, *kept)], default=str)
    assert not {word for word in ("chosen", "doubt", '"cost"') if word in told}


def test_a_sheet_or_a_queue_is_named(audited: tuple[Path, Path]) -> None:
    """One of the two, as with the random sample."""
    folder, source = audited
    neither = audit("label-next", folder, source)
    assert neither.exit_code == 2
    assert "either --out or --store" in neither.output
