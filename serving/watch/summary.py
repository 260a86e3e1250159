"""Everything that was found, as data: only numbers, names and ids."""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Connection

from labels.results import Suggestion
from labels.taxonomy import Category, taxonomy
from serving.intervals import Z, wilson
from serving.pages import Name
from serving.watch.collect import Expected, Seen, collect
from serving.watch.copies import Shared, shared
from serving.watch.drift import Drift, drift
from serving.watch.limits import Limits
from serving.watch.periods import Period
from serving.watch.surges import Surge, surges
from serving.watch.told import (
    property_of,
    said_of_copies,
    said_of_drift,
    said_of_surge,
)
from serving.watch.verdicts import BY, Verdicts, verdicts

_LEVELS = (Suggestion.PROMPT, Suggestion.REVIEW, Suggestion.ACT)
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Held:
    """What the store holds of what is watched, and of what it is held against."""

    now: Seen
    before: Seen
    verdicts: tuple[Verdicts, Verdicts]


@dataclass(frozen=True, slots=True)
class _Found:
    held: Held
    drift: Sequence[Drift]
    surges: Sequence[Surge] | None
    copies: Sequence[Shared]


def read(connection: Connection, now: Period, before: Period, limits: Limits) -> Held:
    """All that a report needs, of one moment of the store.

    Args:
        connection: that reads.
        now: what is watched.
        before: what it is held against; the two share no day.
        limits: how many accounts are drawn.
    """
    seen, past = collect(connection, now, before, limits.drift.most_accounts)
    return Held(seen, past, (verdicts(connection, now), verdicts(connection, before)))


def summary(held: Held, limits: Limits) -> Row:
    """The report as data; ``limits`` say from where on a difference raises an alarm."""
    now, before = held.now, held.before
    found = _Found(
        held,
        drift(now.one_each.values, before.one_each.values, limits.drift),
        surges(now, before, limits.surges),
        shared(now, before, limits.copies),
    )
    return {
        "now": now.period.model_dump(mode="json"),
        "before": before.period.model_dump(mode="json"),
        "limits": limits.model_dump(mode="json"),
        "alarms": _alarms(found, limits),
        "population": {"now": _population(now), "before": _population(before)},
        "days": _days(before) + _days(now),
        "drift": [_drift(each, limits) for each in found.drift],
        "estimate": [_estimate(category, held) for category in Category],
        "verdicts": {kind: _shares(kind, held.verdicts, limits) for kind in BY},
        "protected": _protected((before, now), limits),
        "surges": None if found.surges is None else [_surge(each) for each in found.surges],
        "copies": [_shared(each) for each in found.copies],
    }


def _alarms(found: _Found, limits: Limits) -> list[Row]:
    told: list[tuple[str, str, Name]] = [
        *(("surge", s.clause, said_of_surge(s)) for s in found.surges or () if s.alarm),
        *(("copies", c.decision_id, said_of_copies(c)) for c in found.copies if c.alarm),
        *(
            ("drift", f"{each.group}.{each.name}", _with_name(each, limits))
            for each in found.drift
            if each.alarm
        ),
    ]
    return [{"kind": kind, "name": name, **_both(said)} for kind, name, said in told]


def _with_name(each: Drift, limits: Limits) -> Name:
    (name_zh, name_en), (zh, en) = property_of(each), said_of_drift(each, limits)
    return f"{name_zh}：{zh}", f"{name_en}: {en}"


def _both(said: Name) -> dict[str, str]:
    return {"zh": said[0], "en": said[1]}


def _population(seen: Seen) -> Row:
    return {
        "posts": seen.posts,
        "accounts": seen.accounts,
        "without_account": seen.without_account,
        "erased": seen.erased,
        "drawn": len(seen.one_each.values),
        "drawn_for_copies": len(seen.copies.values),
        "days": len(seen.days),
        "versions": [
            {"model": model, "policy": policy, "posts": posts}
            for (model, policy), posts in sorted(seen.versions.items())
        ],
    }


def _days(seen: Seen) -> list[Row]:
    return [
        {"day": day.isoformat(), **{e.value: seen.suggestions[day, e.value] for e in _LEVELS}}
        for day in seen.days
    ]


def _drift(each: Drift, limits: Limits) -> Row:
    """``p_value`` is that of the test alone, ``corrected`` for all tests."""
    return {
        "group": each.group,
        "name": each.name,
        "accounts": list(each.accounts),
        "statistic": each.found.statistic if each.found else None,
        "shift": each.found.shift if each.found else None,
        "p_value": each.found.p_value if each.found else None,
        "corrected": each.p_value,
        "now": each.now,
        "before": each.before,
        "value": each.value,
        "alarm": each.alarm,
        **_both(said_of_drift(each, limits)),
    }


def _estimate(category: Category, held: Held) -> Row:
    """What scores say of flagged posts, and of those that people judged what they found.

    ``error`` is what people found less what the scores expected of the same posts.
    """
    people, name = held.verdicts[0], ("category", category.value)
    judged = people.judged[name]
    told = _share(people.upheld[name], judged)
    expected = _expected(people.expected.get(category.value, Expected()))
    errors = {
        key: told[of] - expected["share"] if judged else None
        for key, of in (("error", "share"), ("error_low", "low"), ("error_high", "high"))
    }
    return {
        "category": category.value,
        "flagged": _expected(held.now.expected.get(category, Expected())),
        "judged": {**told, "expected": expected["share"], **errors},
    }


def _expected(of: Expected) -> Row:
    if not of.posts:
        return {"posts": 0, "share": None, "low": None, "high": None}
    share, half = of.right / of.posts, Z * math.sqrt(of.variance) / of.posts
    return {
        "posts": of.posts,
        "share": share,
        "low": max(0.0, share - half),
        "high": min(1.0, share + half),
    }


def _share(part: int, whole: int) -> Row:
    if not whole:
        return {"part": 0, "whole": 0, "share": None, "low": None, "high": None}
    low, high = wilson(part, whole)
    return {"part": part, "whole": whole, "share": part / whole, "low": low, "high": high}


def _shares(kind: str, people: tuple[Verdicts, Verdicts], limits: Limits) -> list[Row]:
    """Precision and overturned appeals by name, now and before."""
    rows = []
    for name in _names(kind, people):
        key = (kind, name)
        row: Row = {"name": name}
        for when, found in zip(("now", "before"), people, strict=True):
            row[when] = {
                "precision": _told(found.upheld[key], found.judged[key], limits),
                "overturned": _told(found.overturned[key], found.answered[key], limits),
            }
        rows.append(row)
    return rows


def _names(kind: str, people: Iterable[Verdicts]) -> list[str]:
    seen = {name for found in people for of, name in (*found.judged, *found.answered) if of == kind}
    known = [*(category.value for category in Category), *taxonomy().clauses]
    return sorted(seen) if kind == "reviewer" else [name for name in known if name in seen]


def _told(part: int, whole: int, limits: Limits) -> Row:
    """A share, or none where there are too few cases to speak of one."""
    told = _share(part, whole)
    if whole < limits.least_cases:
        told |= {"share": None, "low": None, "high": None}
    return told


def _protected(seen: Iterable[Seen], limits: Limits) -> list[Row]:
    """Of both periods together: flagged posts by class, and those overturned since."""
    flagged: Counter[tuple[str, bool]] = Counter()
    for each in seen:
        flagged.update(each.flagged)
    return [
        {
            "code": code,
            **_told(flagged[code, True], flagged[code, True] + flagged[code, False], limits),
        }
        for code in taxonomy().protected
    ]


def _surge(each: Surge) -> Row:
    return asdict(each) | {"day": each.day.isoformat(), **_both(said_of_surge(each))}


def _shared(each: Shared) -> Row:
    return asdict(each) | _both(said_of_copies(each))
