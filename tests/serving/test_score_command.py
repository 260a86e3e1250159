"""``mingbian score`` as analysts run it."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from labels.dataset import corpus_folder, load_corpus
from tests.conftest import FAKE_DOCTOR, REAL_DOCTOR, Run

FIELDS = ("data_id", "text", "title", "platform", "author", "declared")
RESULT_FIELDS = [
    "data_id", "status", "suggestion", "risk_level", "scores", "labels", "protected", "ai",
    "proposed_sanction", "text_coverage", "stage", "warnings", "model", "policy",
]  # fmt: skip
EVERYDAY = (
    "今天早上去菜市场买了点青菜和豆腐，回来的路上看见楼下的猫在晒太阳。中午做了一锅番茄鸡蛋面，"
    "孩子吃了两碗。下午把阳台的花浇了水，顺手擦了窗户。晚上和老伴散步，碰见老邻居，聊了聊天气。"
)
MINGBIAN = str(Path(sys.executable).with_name("mingbian"))
#: runs a command and prints its peak memory in KiB; a fork of the tests would count theirs too
MEASURED = (
    "import resource, subprocess, sys\n"
    "done = subprocess.run(sys.argv[1:])\n"
    "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)\n"
    "sys.exit(done.returncode)\n"
)
OFFENCE = "我是三甲医院退休老主任，血压高别吃降压药，喝我配的络安茶三个疗程断根，私信我领。"


@pytest.fixture(scope="module")
def items() -> list[dict[str, Any]]:
    """Posts of the corpus without their labels."""
    rows = [json.loads(row) for row in load_corpus(corpus_folder())["post"]]
    return [{field: row.get(field) for field in FIELDS} for row in rows]


def jsonl(*items: Any) -> str:
    lines = [x if isinstance(x, str) else json.dumps(x, ensure_ascii=False) for x in items]
    return "\n".join(lines) + "\n"


def results(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def test_a_thousand_posts_five_of_them_broken(tmp_path: Path, items: list[dict[str, Any]]) -> None:
    """All answered in order, the broken ones with a pointer, exit 2, in little memory."""
    posts: list[Any] = [dict(items[i * 5]) for i in range(1000)]
    posts[100] = json.dumps(posts[100], ensure_ascii=False)[:50]
    posts[200] = {k: v for k, v in posts[200].items() if k != "data_id"}
    posts[300] = posts[300] | {"text": 5}
    posts[400] = posts[400] | {"author": {"verified_as": "vip"}}
    posts[500] = posts[500] | {"text": " \n", "title": None}
    (tmp_path / "in.jsonl").write_text(jsonl(*posts), encoding="utf-8")
    command = [MINGBIAN, "score", "in.jsonl", "-o", "out.jsonl"]
    done = subprocess.run(
        [sys.executable, "-c", MEASURED, *command],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 2
    assert "1000 posts" in done.stderr
    assert "5 rejected" in done.stderr
    found = results((tmp_path / "out.jsonl").read_text(encoding="utf-8"))
    rejected = {place: r["error"]["pointer"] for place, r in enumerate(found) if r["status"] == 422}
    assert rejected == {
        100: "", 200: "/data_id", 300: "/text", 400: "/author/verified_as", 500: "/text"
    }  # fmt: skip
    scored = [place for place in range(1000) if place not in rejected]
    assert [found[place]["data_id"] for place in scored] == [posts[p]["data_id"] for p in scored]
    assert int(done.stdout) < 800 * 1024


def test_a_result_has_the_documented_shape(run: Run) -> None:
    """Integrators rely on every key; callback is echoed only where it was given."""
    done = run("score", "-", stdin=jsonl(FAKE_DOCTOR, FAKE_DOCTOR | {"callback": {"k": [1, None]}}))
    assert done.returncode == 0
    plain, echoed = results(done.stdout)
    assert list(plain) == RESULT_FIELDS
    assert echoed["callback"] == {"k": [1, None]}
    assert set(plain["scores"]) == {
        "impersonation", "distortion", "unlabeled_ai", "false_specialist"
    }  # fmt: skip
    assert set(plain["labels"][0]) == {"category", "clause", "score", "threshold", "level"}
    assert set(plain["ai"]) == {"state", "malformed", "machine_written", "abstained"}
    assert set(plain["proposed_sanction"]) == {"step", "days", "reviewers", "requires", "because"}
    assert set(plain["model"]) == set(plain["policy"]) == {"id", "version", "sha256"}


def test_a_fake_doctor_is_flagged_and_a_verified_one_passes(run: Run) -> None:
    """The case of the README."""
    fake, real = results(run("score", "-", stdin=jsonl(FAKE_DOCTOR, REAL_DOCTOR)).stdout)
    assert fake["suggestion"] in ("review", "act")
    assert fake["labels"][0]["category"] == "false_specialist"
    assert real["suggestion"] == "pass"


def test_an_offence_in_the_last_sentence_of_a_long_post_is_found(run: Run) -> None:
    """15,000 characters are read whole; without the sentence they pass."""
    clean = (EVERYDAY * 200)[: 15_000 - len(OFFENCE)]
    done = run("score", "-", stdin=jsonl(
        {"data_id": "bad", "text": clean + OFFENCE}, {"data_id": "good", "text": clean}
    ))  # fmt: skip
    bad, good = results(done.stdout)
    assert bad["suggestion"] in ("review", "act")
    assert bad["text_coverage"] == good["text_coverage"] == 1.0
    assert good["suggestion"] == "pass"


def test_threads_do_not_change_results(
    tmp_path: Path, run: Run, items: list[dict[str, Any]]
) -> None:
    """The same file on one and two threads, byte for byte."""
    (tmp_path / "in.jsonl").write_text(jsonl(*items[:300]), encoding="utf-8")
    outputs = [run("score", "in.jsonl", "--threads", n).stdout for n in ("1", "2")]
    assert outputs[0] == outputs[1]
    assert len(results(outputs[0])) == 300


def test_absent_author_and_declarations_are_told(run: Run) -> None:
    """The reader of a result knows what the model had to do without."""
    (found,) = results(run("score", "-", stdin='{"data_id":"a","text":"今天下雨"}\n').stdout)
    assert found["warnings"] == ["author_absent", "declared_absent"]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["none.jsonl"], "cannot be read"),
        (["in.txt"], "--format"),
        (["-", "--model", "."], "no model bundle"),
        (["-", "--policy", "bad.yaml"], "bad.yaml:1: categories: Field required"),
    ],
)
def test_what_the_user_can_mend_exits_2(
    tmp_path: Path, run: Run, arguments: list[str], told: str
) -> None:
    """And leaves no output."""
    (tmp_path / "in.txt").write_text("", encoding="utf-8")
    (tmp_path / "bad.yaml").write_text("id: x\n", encoding="utf-8")
    done = run("score", *arguments, "-o", "out.jsonl")
    assert done.returncode == 2
    assert told in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "out.jsonl").exists()


def test_an_output_that_cannot_be_written_is_told(run: Run) -> None:
    """Before anything is scored."""
    done = run("score", "-", "-o", "no/such/folder/out.jsonl")
    assert done.returncode == 2
    assert "cannot be written" in done.stderr


def test_nothing_in_nothing_out(run: Run) -> None:
    """An empty file is not an error."""
    done = run("score", "-")
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr.splitlines()[-1].startswith("0 posts")


def test_words_that_carry_a_label_are_named_when_asked(run: Run) -> None:
    """`--explain spans` adds one explanation a label and changes nothing else."""
    plain = run("score", "-", stdin=jsonl(FAKE_DOCTOR, REAL_DOCTOR))
    asked = run("score", "-", "--explain", "spans", stdin=jsonl(FAKE_DOCTOR, REAL_DOCTOR))
    assert asked.returncode == 0, asked.stderr
    for before, after in zip(results(plain.stdout), results(asked.stdout), strict=True):
        explanations = after.pop("explanations")
        assert after == before
        assert [e["clause"] for e in explanations] == [x["clause"] for x in before["labels"]]
