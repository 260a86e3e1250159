"""The weekly report: alarms count accounts, and figures are those of the store."""

import json
import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result

from labels.errors import MingbianError
from labels.results import Suggestion
from labels.yamlfile import read_yaml
from mingbian import cli
from serving.engine import Engine
from serving.store.database import Database
from serving.watch.collect import COPIED_CONTENTS, collect
from serving.watch.commands import ALARM
from serving.watch.limits import Limits
from serving.watch.periods import BEIJING, Period, last_week, weeks_before
from tests.serving.test_moderation import Staff, staff
from tests.serving.watched import BEFORE, NOW, WEEK, Draft, flood, ordinary, write

__all__ = ["staff"]

ROOT = Path(__file__).parents[2]
_RUMOUR = "重磅！内部人士透露下周起全国停供生活用水，请速囤水并转发给家人朋友"


def watch(store: str, out: Path, *options: str) -> Result:
    """Exit status 0 or 3; anything else is raised."""
    result = CliRunner().invoke(cli, ["watch", "--store", store, "--out", str(out), *options])
    if result.exception and not (
        isinstance(result.exception, SystemExit) and result.exit_code in {0, ALARM}
    ):
        raise result.exception
    return result


def read(out: Path) -> dict[str, Any]:
    """The summary."""
    found: dict[str, Any] = json.loads((out / "summary.json").read_text(encoding="utf-8"))
    return found


def rumours(number: int) -> list[Draft]:
    """The same new thing, each by an account of its own, on one day."""
    day = NOW + timedelta(days=3)
    return [Draft(day, f"x{n}", f"{_RUMOUR}{'！' * (n % 3)}", "1.6", 0.7) for n in range(number)]


def test_an_account_that_floods_raises_no_alarm_and_many_accounts_do(
    database: Database, store_url: str, engine: Engine, tmp_path: Path
) -> None:
    """Five quiet weeks, then 300 posts of one account, then of 300 accounts."""
    random = np.random.default_rng(1)
    write(database, engine, ordinary(BEFORE, 35, random))
    assert watch(store_url, tmp_path, *WEEK).exit_code == 0
    assert read(tmp_path)["alarms"] == []

    write(database, engine, flood(rumours(300), "flooder"))
    assert watch(store_url, tmp_path, *WEEK).exit_code == 0
    flooded = read(tmp_path)
    assert flooded["alarms"] == []
    day = (NOW + timedelta(days=3)).isoformat()
    assert max(row["review"] for row in flooded["days"]) >= 300, "the posts are counted"

    write(database, engine, rumours(300))
    told = watch(store_url, tmp_path, *WEEK)
    assert told.exit_code == ALARM
    found = read(tmp_path)
    surge = found["surges"][0]
    assert (surge["clause"], surge["day"], surge["alarm"]) == ("1.6", day, True)
    assert 300 < surge["accounts"] < 320
    assert found["copies"][0]["accounts"] == 301
    assert {alarm["kind"] for alarm in found["alarms"]} >= {"surge", "copies", "drift"}
    assert "个账号触及 1.6" in told.output
    assert "accounts raised 1.6" in told.output


def test_posts_without_an_account_are_no_accounts(
    database: Database, store_url: str, engine: Engine, tmp_path: Path
) -> None:
    """Nobody can tell whether one wrote them or many; they are told of and raise no such alarm."""
    write(database, engine, ordinary(BEFORE, 35, np.random.default_rng(2)))
    write(database, engine, [replace(draft, account=None) for draft in rumours(100)])
    watch(store_url, tmp_path, *WEEK)
    found = read(tmp_path)
    assert found["population"]["now"]["without_account"] == 100
    assert not any(surge["alarm"] for surge in found["surges"])
    assert found["copies"] == []


def test_a_planted_change_is_found_where_it_is(
    database: Database, store_url: str, engine: Engine, tmp_path: Path
) -> None:
    """Other platform, longer texts, higher scores and other words; what stayed stays unnamed."""
    random = np.random.default_rng(3)
    write(database, engine, ordinary(BEFORE, 28, random))
    write(
        database,
        engine,
        [
            replace(
                draft,
                platform="xiaohongshu",
                text=draft.text.replace("血压", "量子水") * 2,
                score=min(1.0, draft.score + 0.2),
                suggestion=Suggestion.ACT,
            )
            for draft in ordinary(NOW, 7, random)
        ],
    )
    assert watch(store_url, tmp_path, *WEEK).exit_code == ALARM
    found = read(tmp_path)
    alarmed = {f"{row['group']}.{row['name']}" for row in found["drift"] if row["alarm"]}
    assert {"input.platform", "input.length", "decision.suggestion", "embedding.words"} <= alarmed
    assert not alarmed & {"input.account_type", "input.hour", "input.declared.fiction"}
    platform = next(row for row in found["drift"] if row["name"] == "platform")
    assert platform["shift"] == 1.0
    assert platform["accounts"][1] == found["population"]["before"]["accounts"]
    assert platform["p_value"] < platform["corrected"] <= 0.01
    assert "xiaohongshu 0.0 % → 100.0 %" in platform["zh"]


@pytest.mark.parametrize("posts", [0, 1])
def test_little_is_no_trouble(
    database: Database, store_url: str, engine: Engine, tmp_path: Path, posts: int
) -> None:
    """An empty store and one post: a report that says what it cannot tell."""
    write(database, engine, [Draft(NOW, "u1", _RUMOUR)][:posts])
    assert watch(store_url, tmp_path, *WEEK).exit_code == 0
    found = read(tmp_path)
    assert found["population"]["now"]["posts"] == posts
    assert found["surges"] is None
    assert all(row["p_value"] is None for row in found["drift"])
    assert all(row["judged"]["share"] is None for row in found["estimate"])
    assert "没有告警" in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_the_page_asks_for_nothing_and_hides_nothing(
    database: Database, store_url: str, engine: Engine, tmp_path: Path
) -> None:
    """Self-contained, both languages, and words of others are words."""
    evil = "<script>alert(1)</script>重磅消息请大家转发给家人朋友看看\u202e真的假的"
    write(
        database,
        engine,
        [Draft(NOW, f"<u>{n}</u>", evil, platform="<i>p</i>") for n in range(4)],
    )
    watch(store_url, tmp_path, *WEEK)
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "default-src 'none'" in page
    assert not re.search(r"(src|href)=\"(?!#)|url\(|@import|<script|<u>|<i>p", page)
    assert "&lt;script&gt;" in page
    assert "‹U+202E›" in page
    assert page.count('class="zh"') == page.count('class="en"') > 50


def test_what_people_found_is_told_beside_what_was_estimated(
    staff: Staff, store_url: str, tmp_path: Path
) -> None:
    """One decision upheld, one dismissed, one overturned on appeal; by whom and under what."""
    staff.sanctioned()
    staff.decide(staff.case_of(staff.suspect(2)), staff.ben, "none", clauses=[])
    overturned = staff.sanctioned()
    staff.appeal(overturned)
    staff.answer(overturned, "overturn")
    today = f"{datetime.now(BEIJING):%Y-%m-%d}"
    limits = tmp_path / "watch.yaml"
    limits.write_text("least_cases: 2\n", encoding="utf-8")
    days = ("--from", today, "--to", today)
    watch(store_url, tmp_path, *days, "--config", str(limits))
    found = read(tmp_path)
    by = {
        kind: {row["name"]: row["now"] for row in rows} for kind, rows in found["verdicts"].items()
    }
    category = by["category"]["false_specialist"]
    assert (category["precision"]["part"], category["precision"]["whole"]) == (1, 3)
    assert (category["overturned"]["part"], category["overturned"]["whole"]) == (1, 1)
    assert category["precision"]["low"] < 1 / 3 < category["precision"]["high"]
    assert category["overturned"]["share"] is None, "one appeal is too few to speak of a share"
    amy, ben = by["reviewer"]["amy"], by["reviewer"]["ben"]
    assert (amy["precision"]["part"], amy["precision"]["whole"]) == (1, 2)
    assert (ben["precision"]["whole"], ben["precision"]["share"]) == (1, None)
    assert (amy["overturned"]["part"], ben["overturned"]["whole"]) == (1, 0)
    assert "cat" not in by["reviewer"]
    clauses = by["clause"]
    assert (clauses["4.3"]["precision"]["part"], clauses["4.3"]["precision"]["whole"]) == (1, 3)
    assert clauses["4.1"]["precision"]["part"] == 0, "suspected, and not what reviewers upheld"
    estimate = next(r for r in found["estimate"] if r["category"] == "false_specialist")
    assert estimate["flagged"]["posts"] == 3
    assert estimate["judged"]["expected"] == pytest.approx(estimate["flagged"]["share"])
    assert estimate["judged"]["error"] == pytest.approx(1 / 3 - estimate["judged"]["expected"])
    assert estimate["judged"]["error_low"] < estimate["judged"]["error"]


def test_an_estimate_is_as_wide_as_accounts_are_few(
    database: Database, engine: Engine, tmp_path: Path, store_url: str
) -> None:
    """Many posts of one account say as much as one post of it."""
    drafts = [Draft(NOW, f"a{n}", f"{_RUMOUR}{n}", "2.1", 0.5) for n in range(100)]
    one = [replace(draft, clause="4.1", account="b") for draft in drafts]
    write(database, engine, [*drafts, *one])
    watch(store_url, tmp_path, *WEEK)
    wide = {row["category"]: row["flagged"] for row in read(tmp_path)["estimate"]}
    assert wide["distortion"]["share"] == wide["false_specialist"]["share"] == pytest.approx(0.5)
    assert wide["distortion"]["high"] == pytest.approx(0.5 + 1.96 * 0.05)
    assert (wide["false_specialist"]["low"], wide["false_specialist"]["high"]) == (0.0, 1.0)


def test_protected_posts_that_were_flagged(
    database: Database, store_url: str, engine: Engine, tmp_path: Path
) -> None:
    """By class, prompts aside: nobody was asked to look at those."""
    code = "satire_or_hyperbole"
    flagged = [Draft(NOW, f"a{n}", f"{_RUMOUR}{n}", protected=(code,)) for n in range(12)]
    prompts = [
        replace(each, account=f"p{each.account}", suggestion=Suggestion.PROMPT) for each in flagged
    ]
    write(database, engine, [*flagged, *prompts])
    watch(store_url, tmp_path, *WEEK)
    row = next(r for r in read(tmp_path)["protected"] if r["code"] == code)
    assert (row["part"], row["whole"], row["share"]) == (0, 12, 0.0)


def test_twenty_thousand_posts_pass_by(database: Database, engine: Engine) -> None:
    """Everything is counted, and what is held is bounded by the samples."""
    drafts = (
        Draft(BEFORE + timedelta(days=n % 35), f"u{n % 1_500}", f"{_RUMOUR}{n}")
        for n in range(20_000)
    )
    assert write(database, engine, drafts) == 20_000
    now = Period(first=NOW, last=NOW + timedelta(days=6))
    with database.read() as connection:
        seen, past = collect(connection, now, weeks_before(now), 200)
    assert seen.posts + past.posts == 20_000
    assert len(seen.one_each.values) == len(past.one_each.values) == 200
    assert max(map(len, past.copies.values)) == COPIED_CONTENTS


def test_the_week_is_over_in_beijing() -> None:
    """On Monday morning in Beijing it is Sunday in UTC; the week ends with Sunday all the same."""
    week = last_week(datetime(2026, 11, 29, 17, tzinfo=UTC))
    assert (week.first.isoformat(), week.last.isoformat()) == ("2026-11-23", "2026-11-29")
    before = weeks_before(week)
    assert (before.first.isoformat(), before.last.isoformat()) == ("2026-10-26", "2026-11-22")
    assert before.end == week.start
    assert week.start == datetime(2026, 11, 22, 16, tzinfo=UTC)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--from", "2026-11-22"), "--from and --to go together"),
        (("--from", "2026-11-22", "--to", "2026-11-21"), "is before"),
        ((*WEEK, "--against-from", "2026-11-01", "--against-to", "2026-11-22"), "share days"),
    ],
)
def test_days_that_make_no_sense_are_refused(
    tmp_path: Path, options: Sequence[str], told: str
) -> None:
    """Before anything is read or written."""
    store = f"sqlite:///{tmp_path / 's.db'}"
    arguments = ["watch", "--store", store, "--out", str(tmp_path / "out"), *options]
    result = CliRunner().invoke(cli, arguments)
    assert result.exit_code == 2
    assert told in result.output
    assert list(tmp_path.iterdir()) == []


def test_limits_are_those_that_are_written_out(tmp_path: Path) -> None:
    """configs/watch.yaml says what holds without it; a fault is told with its line."""
    assert read_yaml(ROOT / "configs" / "watch.yaml", Limits) == Limits()
    bad = tmp_path / "bad.yaml"
    bad.write_text("drift:\n  level: 2\nsurge:\n  days: 3\n", encoding="utf-8")
    with pytest.raises(MingbianError) as caught:
        watch("sqlite://", tmp_path, "--config", str(bad))
    assert f"{bad}:2: drift.level" in str(caught.value)
    assert f"{bad}:3: surge: " in str(caught.value)
