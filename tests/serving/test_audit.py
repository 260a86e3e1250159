"""Audits: every row is accounted for, decided as the API would, and a killed run ends the same."""

import csv
import gzip
import json
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner, Result
from sqlalchemy import func, select

from classifiers.bundle import MANIFEST, default_model_folder
from labels.dataset import corpus_folder
from labels.errors import MingbianError
from labels.label_events import read_events
from labels.results import ScoredPost
from labels.samples import SampleAnswer, Verdict
from mingbian import cli
from policy.pack import default_pack_path
from serving.admin_commands import open_store
from serving.audit.layout import Layout
from serving.audit.plan import read_plan
from serving.audit.sample import FLAGGED, Stratum, estimates
from serving.engine import Engine
from serving.minhash import bands, signature
from serving.store.schema import cases
from tests.conftest import FAKE_DOCTOR, REAL_DOCTOR

Post = dict[str, Any]


def audit(*arguments: object) -> Result:
    result = CliRunner().invoke(cli, ["audit", *map(str, arguments)])
    if result.exception and not isinstance(result.exception, (MingbianError, SystemExit)):
        raise result.exception
    return result


def rows(folder: Path, name: str = "decisions") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = pq.read_table(folder / f"{name}.parquet").to_pylist()
    return found


def write_jsonl(path: Path, posts: Sequence[Post | str]) -> Path:
    lines = [post if isinstance(post, str) else json.dumps(post) for post in posts]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


_FIELDS = {"data_id", "text", "title", "platform", "author", "declared", "metadata"}


@pytest.fixture(scope="module")
def corpus_posts() -> list[Post]:
    lines = min(corpus_folder().glob("*.jsonl")).read_text(encoding="utf-8").splitlines()
    found = [json.loads(line) for line in lines[:120]]
    return [{name: post[name] for name in _FIELDS & post.keys()} for post in found]


@pytest.fixture(scope="module")
def some_posts(corpus_posts: list[Post]) -> list[Post]:
    return [
        {**post, "author": {**(post.get("author") or {}), "account_id": f"a{place % 7}"}}
        for place, post in enumerate(corpus_posts[:60])
    ]


@pytest.fixture
def all_passes(tmp_path: Path) -> Path:
    """A pack whose levels are off."""
    text = default_pack_path().read_text(encoding="utf-8")
    text = re.sub(r"\{prompt: .*, review: .*, act: .*\}", "{}", text)
    path = tmp_path / "off.yaml"
    path.write_text(text.replace("{}", "{prompt: null, review: null, act: null}"), encoding="utf-8")
    return path


def test_every_row_of_every_file_is_decided_or_refused(
    tmp_path: Path, some_posts: list[Post], engine: Engine
) -> None:
    """Formats, compression and folders; a decision is what the API answers, to the bit."""
    source = tmp_path / "posts"
    source.mkdir()
    first, second, third = some_posts[:20], some_posts[20:40], some_posts[40:]
    write_jsonl(source / "a.jsonl", [*first, "{cut", "", {"data_id": "x", "text": " "}])
    with gzip.open(source / "b.jsonl.gz", "wt", encoding="utf-8") as file:
        file.writelines(json.dumps(post) + "\n" for post in second)
    pq.write_table(pa.Table.from_pylist(third), source / "c.parquet")
    (source / "d.parquet").write_bytes(b"PAR1 no footer")
    (source / "e.jsonl").write_bytes(b"")
    write_jsonl(source / "f.jsonl", [first[3]])
    (source / "_SUCCESS").write_bytes(b"")
    result = audit("run", source, "--no-cascade", "--out", tmp_path / "out")
    assert result.exit_code == 2
    decided, errors = rows(tmp_path / "out"), rows(tmp_path / "out", "errors")
    assert [row["data_id"] for row in decided] == [post["data_id"] for post in some_posts]
    assert [(row["file"], row["file_row"], row["code"]) for row in errors] == [
        ("a.jsonl", 21, "invalid_json"),
        ("a.jsonl", 22, "blank"),
        ("a.jsonl", 23, "blank"),
        ("d.parquet", 0, "unreadable_file"),
        ("e.jsonl", 0, "empty_file"),
        ("f.jsonl", 1, "repeated_data_id"),
    ]
    assert sorted(row["row"] for row in [*decided, *errors]) == list(range(1, 67))
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert summary["rows"]["read"] == summary["rows"]["decided"] + len(errors)
    for row, answer in zip(decided, engine.score(list(map(json.dumps, some_posts))), strict=True):
        assert isinstance(answer, ScoredPost)
        assert row["suggestion"] == answer.suggestion.value
        assert {category: row[category] for category in answer.scores} == answer.scores
        assert set(row["clauses"]) == {label.clause for label in answer.labels}
        assert row["protected"] == [found.code for found in answer.protected]
        assert (row["step"], row["days"]) == (
            answer.proposed_sanction.step.value,
            answer.proposed_sanction.days,
        )
        assert row["machine_written"] == answer.ai.machine_written
        assert row["model_sha256"] == answer.model.sha256


def test_the_first_stage_clears_and_says_so(
    tmp_path: Path, some_posts: list[Post], engine: Engine
) -> None:
    """What goes on is answered as without it; the report tells the share that did not."""
    plain = {"text": "周末带孩子去公园放风筝，风有点大，回来路上买了两斤橘子。"}
    posts = [*some_posts, *({**plain, "data_id": f"plain{n}"} for n in range(3))]
    source = write_jsonl(tmp_path / "a.jsonl", posts)
    audit("run", source, "--out", tmp_path / "out")
    decided = rows(tmp_path / "out")
    answers = engine.score(list(map(json.dumps, posts)))
    for row, answer in zip(decided, answers, strict=True):
        assert isinstance(answer, ScoredPost)
        if row["stage"] == "first":
            assert row["suggestion"] == "pass"
        else:
            assert {category: row[category] for category in answer.scores} == answer.scores
    stages = [row["stage"] for row in decided]
    assert stages[-3:] == ["first"] * 3
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert summary["plan"]["cascade"] is True
    assert summary["stages"] == {name: stages.count(name) for name in ("first", "full")}
    assert "第一级放行" in (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    other = audit("run", source, "--no-cascade", "--out", tmp_path / "out")
    assert "cascade: was True, now False" in str(other.exception)


def test_a_model_without_a_first_stage_is_audited_whole(
    tmp_path: Path, some_posts: list[Post]
) -> None:
    """Unless a cascade was asked for."""
    model = Path(shutil.copytree(default_model_folder(), tmp_path / "model"))
    manifest = json.loads((model / MANIFEST).read_text(encoding="utf-8"))
    manifest["cascade"] = None
    (model / MANIFEST).write_text(json.dumps(manifest), encoding="utf-8")
    source = write_jsonl(tmp_path / "a.jsonl", some_posts[:5])
    told = audit("run", source, "--model", model, "--cascade", "--out", tmp_path / "out")
    assert "has no cascade" in str(told.exception)
    audit("run", source, "--model", model, "--out", tmp_path / "out")
    assert {row["stage"] for row in rows(tmp_path / "out")} == {"full"}
    assert not read_plan(Layout(tmp_path / "out")).cascade


def test_an_audit_from_before_there_were_stages_is_read(
    tmp_path: Path, some_posts: list[Post]
) -> None:
    """Compared and sampled as ever."""
    source = write_jsonl(tmp_path / "a.jsonl", some_posts[:20])
    for name in ("old", "new"):
        audit("run", source, "--no-cascade", "--out", tmp_path / name)
    plan = json.loads((tmp_path / "old" / "plan.json").read_text())
    del plan["cascade"]
    (tmp_path / "old" / "plan.json").write_text(json.dumps({**plan, "format": 1}))
    decisions = tmp_path / "old" / "decisions.parquet"
    pq.write_table(pq.read_table(decisions).drop_columns(["stage"]), decisions)
    found = json.loads(audit("diff", tmp_path / "old", tmp_path / "new").output)
    assert [line.split(":")[0] for line in found["plans"]] == ["format"]
    sheet = tmp_path / "sheet.csv"
    sampled = audit("label-sample", tmp_path / "old", source, "--out", sheet)
    assert sampled.exit_code == 0


def test_object_stores_are_read(tmp_path: Path, some_posts: list[Post]) -> None:
    """Whatever fsspec opens, by its URL, globs included."""
    store = fsspec.filesystem("memory")
    for name, post in zip("ab", some_posts, strict=False):
        store.pipe(f"/posts/{name}.jsonl", json.dumps(post).encode() + b"\n")
    audit("run", "memory://posts/*.jsonl", "--out", tmp_path / "out")
    found = rows(tmp_path / "out")
    assert [row["file"] for row in found] == ["a.jsonl", "b.jsonl"]
    assert [row["data_id"] for row in found] == [post["data_id"] for post in some_posts[:2]]
    nowhere = audit("run", "nothing://posts", "--out", tmp_path / "two")
    assert "cannot be listed" in str(nowhere.exception)


def test_equal_inputs_are_scored_once_and_near_ones_apart(tmp_path: Path) -> None:
    """What the model reads decides: not the id, the platform or the account's number."""
    copies = [{**FAKE_DOCTOR, "data_id": f"c{n}", "platform": f"p{n}"} for n in range(5)]
    near = {**FAKE_DOCTOR, "data_id": "near", "text": FAKE_DOCTOR["text"].replace("32", "33")}
    audit("run", write_jsonl(tmp_path / "a.jsonl", [*copies, near]), "--out", tmp_path / "out")
    found = rows(tmp_path / "out")
    assert [row["input"] for row in found] == [0, 0, 0, 0, 0, 1]
    assert found[5]["impersonation"] != found[0]["impersonation"]
    clusters = {row["content"]: row["cluster"] for row in rows(tmp_path / "out", "clusters")}
    assert clusters[found[0]["content"]] == clusters[found[5]["content"]]


def test_signatures_tell_copies_from_other_texts(corpus_posts: Sequence[Post]) -> None:
    """A template with another name in it shares a band; unrelated posts do not."""
    text = "我是ICU护士，昨晚送走第11个长期吃外卖的年轻人，他最后一句话让全科沉默，家属哭到站不住。"
    one, other = signature(text), signature(text.replace("11", "23").replace("护士", "医生"))
    assert (one == other).mean() > 0.5
    assert (bands(one) == bands(other)).any()
    texts = {post["text"] for post in corpus_posts if len(post.get("text") or "") > 60}
    apart = [signature(each) for each in sorted(texts)[:40]]
    assert not any((bands(one) == bands(each)).any() for each in apart)
    assert len(signature("\u200b")) == len(one)


def test_clusters_name_words_that_accounts_share(tmp_path: Path) -> None:
    """Each cluster tells of its accounts, and that nothing was decided on one post."""
    posts = [
        {
            "data_id": f"p{n}",
            "text": FAKE_DOCTOR["text"].replace("32", str(20 + n)),
            "published_at": f"2026-11-0{1 + n}T08:00:00",
            "author": {**FAKE_DOCTOR["author"], "account_id": f"acc{n}"},
        }
        for n in range(4)
    ]
    audit("run", write_jsonl(tmp_path / "a.jsonl", posts), "--out", tmp_path / "out")
    (cluster,) = json.loads((tmp_path / "out" / "summary.json").read_text())["clusters"]
    assert (cluster["posts"], cluster["accounts"], cluster["contents"]) == (4, 4, 4)
    assert (cluster["first"], cluster["last"]) == ("2026-11-01 08:00", "2026-11-04 08:00")


def test_columns_can_have_other_names(tmp_path: Path) -> None:
    """In CSV, JSONL and Parquet alike; a column that is missing is told."""
    mapping = tmp_path / "columns.yaml"
    mapping.write_text("columns: {data_id: pid, text: body, author.bio: intro}", encoding="utf-8")
    record = {"pid": "1", "body": "今天天气不错", "intro": "街坊", "likes": 3}
    write_jsonl(tmp_path / "a.jsonl", [record])
    pq.write_table(pa.Table.from_pylist([{**record, "pid": "2"}]), tmp_path / "b.parquet")
    (tmp_path / "c.csv").write_text("likes,pid,intro,body\n1,3,街坊,今天天气不错\n")
    (tmp_path / "d.csv").write_text("pid,body\n4,今天天气不错\n")
    files = sorted(tmp_path.glob("?.*"))
    result = audit("run", *files, "--columns", mapping, "--out", tmp_path / "out")
    assert result.exit_code == 2
    found = rows(tmp_path / "out")
    assert [row["data_id"] for row in found] == ["1", "2", "3"]
    assert len({row["input"] for row in found}) == 1
    (error,) = rows(tmp_path / "out", "errors")
    assert "no column 'intro'" in error["detail"]
    mapping.write_text("columns: {data_id: pid, likes: likes}")
    result = audit("run", *files, "--columns", mapping, "--out", tmp_path / "two")
    assert "likes" in str(result.exception)


def test_offences_repeat_in_the_order_of_time(tmp_path: Path) -> None:
    """A decision of the account's history counts for what was posted after it."""
    history = tmp_path / "history.jsonl"
    event = {
        "kind": "imported", "event_id": "e1", "account_id": "acc", "decision_id": "d1",
        "at": "2026-10-10T00:00:00Z", "step": "short_mute", "days": 7,
    }  # fmt: skip
    history.write_text(json.dumps(event) + "\n")
    author = {**FAKE_DOCTOR["author"], "account_id": "acc"}
    posts = [
        {**FAKE_DOCTOR, "data_id": at, "author": author, "published_at": f"2026-{at}T08:00:00Z"}
        for at in ("10-09", "10-11")
    ]
    source = write_jsonl(tmp_path / "a.jsonl", posts)
    audit("run", source, "--history", history, "--out", tmp_path / "out")
    before, after = rows(tmp_path / "out")
    assert (before["strikes"], after["strikes"]) == ([0, 0, 0], [0, 1, 0])
    assert (after["step"], after["days"]) != (before["step"], before["days"])
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    (account,) = summary["accounts"]
    assert account["account_id"] == "acc"
    history.write_text("{}\n")
    assert "no event" in str(audit("run", source, "--history", history, "--out", "x").exception)


def test_a_campaign_audits_its_days(tmp_path: Path, some_posts: list[Post]) -> None:
    """Days are Beijing's; what lies outside is counted, never dropped in silence."""
    moments = ["2026-07-31T16:00:00Z", "2026-08-31T16:00:00Z", "2026-08-15T12:00:00", None]
    posts = [{**post, "published_at": at} for post, at in zip(some_posts, moments, strict=False)]
    source = write_jsonl(tmp_path / "a.jsonl", posts)
    days = ("--from", "2026-08-01", "--to", "2026-08-31")
    result = audit("run", source, *days, "--out", tmp_path / "out")
    assert result.exit_code == 0
    assert "专项行动报告" in (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert [row["row"] for row in rows(tmp_path / "out")] == [1, 3]
    codes = [row["code"] for row in rows(tmp_path / "out", "errors")]
    assert codes == ["outside_window"] * 2


def test_absurd_times_count_as_none(tmp_path: Path, some_posts: list[Post]) -> None:
    """A slip in a date hides no post."""
    moments = ["0001-01-01T00:00:00+08:00", "9999-12-31T23:59:00+00:00", "2026-01-01T00:00:00"]
    posts = [{**post, "published_at": at} for post, at in zip(some_posts, moments, strict=False)]
    audit("run", write_jsonl(tmp_path / "a.jsonl", posts), "--out", tmp_path / "out")
    found = rows(tmp_path / "out")
    assert [row["published_at"] is None for row in found] == [True, True, False]
    told = ["published_at_out_of_range" in row["warnings"] for row in found]
    assert told == [True, True, False]


def test_another_audit_is_refused_with_what_differs(
    tmp_path: Path, some_posts: list[Post], all_passes: Path
) -> None:
    """Input, pack, and a folder that holds something else; the same call says it is done."""
    source, out = write_jsonl(tmp_path / "a.jsonl", some_posts[:4]), tmp_path / "out"
    audit("run", source, "--out", out)
    before = (out / "decisions.parquet").read_bytes()
    assert audit("run", source, "--out", out).exit_code == 0
    assert (out / "decisions.parquet").read_bytes() == before
    other = audit("run", source, "--out", out, "--policy", all_passes)
    assert "policy: was cn-zimeiti" in str(other.exception)
    write_jsonl(source, some_posts[:5])
    assert "sources, in bytes: a.jsonl" in str(audit("run", source, "--out", out).exception)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").write_text("")
    assert "is not empty" in str(audit("run", source, "--out", tmp_path / "full").exception)
    assert "nothing there" in str(audit("run", tmp_path / "no", "--out", out).exception)


@pytest.mark.first
def test_killed_runs_end_with_the_same_bytes(tmp_path: Path, some_posts: list[Post]) -> None:
    """Kill -9 at random moments; and rows that changed meanwhile are noticed."""
    shuffle = random.Random(7)
    posts = [
        {**some_posts[shuffle.randrange(60)], "data_id": f"p{place}"} for place in range(9_000)
    ]
    source = write_jsonl(tmp_path / "a.jsonl", posts)
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    audit("run", source, "--out", whole)
    mingbian = Path(sys.executable).with_name("mingbian")
    command = [mingbian, "audit", "run", source, "--json-progress"]
    kills = 0
    for stage in ("read", "score", "rule"):
        _kill_in([*command, "--out", killed], stage)
        kills += killed.exists() and not (killed / "summary.json").exists()
    assert kills
    changed = tmp_path / "changed"
    shutil.copytree(killed, changed)
    audit("run", source, "--out", killed)
    for name in ("decisions.parquet", "errors.parquet", "clusters.parquet", "summary.json"):
        assert (killed / name).read_bytes() == (whole / name).read_bytes(), name
    assert (killed / "report.html").read_bytes() == (whole / "report.html").read_bytes()
    lines = source.read_text().splitlines()
    lines[5] = lines[5].replace('"p5"', '"q5"')
    write_jsonl(source, lines)
    assert "are not what an earlier run" in str(audit("run", source, "--out", changed).exception)


def _kill_in(command: Sequence[object], stage: str) -> None:
    """Kill a run when it has told of a stage, or let it end before."""
    with subprocess.Popen(
        list(map(str, command)), stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stderr
        for line in process.stderr:
            if line.startswith("{") and json.loads(line)["stage"] == stage:
                break
        time.sleep(0.02)
        process.send_signal(signal.SIGKILL)


def test_two_audits_are_compared(tmp_path: Path, some_posts: list[Post], all_passes: Path) -> None:
    """Where posts moved, and whether shares differ by more than chance."""
    source = write_jsonl(tmp_path / "a.jsonl", some_posts)
    audit("run", source, "--out", tmp_path / "a")
    audit("run", source, "--out", tmp_path / "b", "--policy", all_passes)
    found = json.loads(audit("diff", tmp_path / "a", tmp_path / "b").output)
    assert found["posts"] == {"old": 60, "new": 60, "both": 60}
    assert [line.split(":")[0] for line in found["plans"]] == ["policy"]
    assert {move["new"] for move in found["suggestions"]} == {"pass"}
    moved = sum(move["posts"] for move in found["suggestions"])
    passed = next(share for share in found["shares"] if share["name"] == "pass")
    assert passed["new"] - passed["old"] == moved > 0
    assert "no audit" in str(audit("diff", tmp_path / "a", tmp_path).exception)


def test_a_sample_is_judged_and_speaks_of_the_whole(tmp_path: Path, some_posts: list[Post]) -> None:
    """The sheet holds no formula; answers become labels and shares with intervals."""
    posts = [*some_posts, {**FAKE_DOCTOR, "data_id": "f", "title": "=1+1"}]
    source, out = write_jsonl(tmp_path / "a.jsonl", posts), tmp_path / "out"
    audit("run", source, "--out", out)
    sheet = tmp_path / "sheet.csv"
    assert audit("label-sample", out, source, "--out", sheet).exit_code == 0
    with sheet.open(encoding="utf-8-sig", newline="") as file:
        sampled = list(csv.DictReader(file))
    assert len(sampled) == len(posts)
    assert next(row["title"] for row in sampled if row["data_id"] == "f") == "'=1+1"
    for row in sampled:
        wrong = row["stratum"] in {"act", "review"}
        row |= {"verdict": "violation" if wrong else "clean", "annotator": "amy"}
        row["clauses"] = "4.1" if wrong else ""
    _write_sheet(sheet, sampled)
    labels = tmp_path / "labels.jsonl"
    told = json.loads(audit("labels", out, sheet, source, "--out", labels).output)
    assert told["flagged"]["share"] == 1
    assert told["flagged"]["low"] > 0.7
    flagged = sum(row["stratum"] in {"act", "review"} for row in sampled)
    assert told["all"]["share"] == pytest.approx(flagged / len(posts))
    events = list(read_events(labels))
    assert [event.post.data_id for event in events] == [row["data_id"] for row in sampled]
    assert {event.post.author and event.post.author.account_id for event in events} == {None}
    sampled[0]["clauses"] = "9.9"
    _write_sheet(sheet, sampled)
    assert "sheet.csv:2: no answer" in str(audit("labels", out, sheet).exception)
    write_jsonl(source, posts[1:])
    moved = audit("label-sample", out, source, "--out", sheet)
    assert "any more" in str(moved.exception)


def _write_sheet(path: Path, sheet: Sequence[dict[str, str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(sheet[0]))
        writer.writeheader()
        writer.writerows(sheet)


def test_a_sample_reaches_the_queue(tmp_path: Path, some_posts: list[Post]) -> None:
    """Passed posts too, once however often it is sent."""
    source, out = write_jsonl(tmp_path / "a.jsonl", some_posts[:12]), tmp_path / "out"
    audit("run", source, "--out", out)
    url = f"sqlite:///{tmp_path / 'store.db'}"
    for _ in range(2):
        result = audit("label-sample", out, source, "--size", "8", "--store", url)
        assert result.exit_code == 0
    with open_store(url).read() as connection:
        assert connection.scalar(select(func.count()).select_from(cases)) == 8


def test_intervals_are_honest() -> None:
    """Wilson's for a stratum; none for the whole where a stratum was hardly looked at."""
    answers = [
        SampleAnswer(
            row=place + 1,
            stratum="review",
            data_id=str(place),
            verdict=Verdict.VIOLATION if place < 8 else Verdict.CLEAN,
            clauses=("1.1",) if place < 8 else (),
            annotator="amy",
        )
        for place in range(10)
    ]
    found = estimates({Stratum.REVIEW: 1000, Stratum.PASS: 9000}, answers)
    assert found["review"].low == pytest.approx(0.490, abs=0.001)
    assert found["review"].high == pytest.approx(0.943, abs=0.001)
    assert found["all"].share is None
    assert Stratum.REVIEW in FLAGGED


def test_an_empty_audit_and_a_broken_model_are_told(tmp_path: Path) -> None:
    """A file without rows gives a whole, empty report."""
    (tmp_path / "a.jsonl").write_text("")
    result = audit("run", tmp_path / "a.jsonl", "--out", tmp_path / "out")
    assert result.exit_code == 2
    assert rows(tmp_path / "out") == []
    assert (tmp_path / "out" / "report.html").stat().st_size > 1000
    (tmp_path / "b.txt").write_text("x")
    wrong = audit("run", tmp_path / "b.txt", "--out", tmp_path / "two")
    assert "does not end in" in str(wrong.exception)


def test_the_report_shows_hostile_words_harmlessly(tmp_path: Path) -> None:
    """Posts are written by the accused."""
    hostile = {
        **FAKE_DOCTOR,
        "text": FAKE_DOCTOR["text"] + "<script>alert(1)</script>\u202e",
        "author": {**FAKE_DOCTOR["author"], "display_name": "<img src=x onerror=alert(1)>"},
    }
    source = write_jsonl(tmp_path / "a.jsonl", [hostile, REAL_DOCTOR])
    audit("run", source, "--out", tmp_path / "out")
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "<script" not in page
    assert "<img" not in page
    assert "http://" not in page.replace("http://www.w3.org", "")
    assert "https://" not in page
