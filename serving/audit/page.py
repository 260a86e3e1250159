"""The report of an audit as one HTML page that needs nothing from outside, Chinese first."""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from functools import partial
from itertools import groupby, pairwise
from typing import Any

from labels.records import Post
from labels.results import Span, Step, Suggestion
from labels.taxonomy import Category, taxonomy
from serving.audit.summary import BIN, Row, flagged
from serving.charts import Box, Chart, Tick, stacked
from serving.hidden import plain, visible
from serving.names import NAMES, named
from serving.pages import Name, render

#: code points of a post that are shown, and of its other fields
_TEXT, _FIELD = 400, 160
#: platforms, source files and runs of steps that are told one by one
_TOP, _FILES, _RUNS = 20, 8, 12
#: longer spans of time are counted by month, and then by year
_DAYS, _MONTHS, _PERIODS = 92, 120, 120
_BEIJING = timezone(timedelta(hours=8))

#: log-odds where histograms begin and end; what lies beyond is in the outermost bars
_EDGE = 12.0
_TICKS = ("0.001%", "0.1%", "1%", "10%", "50%", "90%", "99%", "99.9%", "99.999%")
#: size of a histogram's plot
_PLOT = (400.0, 120.0)

_LEVELS = (Suggestion.PROMPT, Suggestion.REVIEW, Suggestion.ACT)
_HARSHEST_FIRST = tuple(reversed(Suggestion))


@dataclass(frozen=True, slots=True)
class Shown:
    """A post that the report shows, with its decision and the words that carry its scores."""

    row: Row
    post: Post
    spans: Mapping[str, Sequence[Span]]


@dataclass(frozen=True, slots=True)
class Passage:
    """A field of a post as far as it is shown: pieces, each with the categories it speaks for.

    ``unseen`` counts marks in what was cut off.
    """

    field: str
    pieces: tuple[tuple[str, tuple[str, ...]], ...]
    starts_late: bool
    ends_early: bool
    characters: int
    unseen: int


def page(summary: Mapping[str, Any], shown: Sequence[Shown]) -> str:
    """HTML, Chinese first.

    Args:
        summary: of :meth:`serving.audit.summary.Found.summary`, with ``sampling`` and the
            accounts' ``escalation``.
        shown: flagged posts, and the examples of clusters.
    """
    return render(
        "serving.audit",
        **summary,
        named=named,
        suggested=list(Suggestion),
        levels=_LEVELS,
        to_review=flagged(summary["suggestions"]),
        files=_FILES,
        taxonomy=taxonomy(),
        histograms=_histograms(summary["categories"]),
        by_clause=_by_clause(summary["clauses"]),
        ladder=[(step.value, summary["steps"].get(step.value, 0)) for step in Step],
        time=_time(summary["days"]),
        breakdowns=_breakdowns(summary),
        protected_rows={row["code"]: row for row in summary["protected"]},
        careers=[_runs(account["escalation"]) for account in summary["accounts"]],
        runs=_RUNS,
        samples=_samples(summary["clusters"], shown),
        copies={each.row["row"]: _card(each) for each in shown},
    )


def _passage(field: str, text: str, spans: Mapping[str, Sequence[Span]]) -> Passage:
    """The words around the first mark."""
    marks = [
        (span.start, span.end, category)
        for category in Category
        for span in spans.get(category.value, ())
        if span.field == field
    ]
    limit = _TEXT if field == "text" else _FIELD
    first = min((start for start, _, _ in marks), default=0)
    start = max(0, min(first - limit // 4, len(text) - limit))
    end = min(len(text), start + limit)
    edges = {start, end, *(edge for a, b, _ in marks for edge in (a, b) if start < edge < end)}
    parts = [
        (text[a:b], tuple(c.value for x, y, c in marks if x <= a and b <= y))
        for a, b in pairwise(sorted(edges))
    ]
    pieces = tuple(
        (visible("".join(part for part, _ in group)), categories)
        for categories, group in groupby(parts, lambda part: tuple(dict.fromkeys(part[1])))
    )
    unseen = sum(b <= start or a >= end for a, b, _ in marks)
    return Passage(field, pieces, start > 0, end < len(text), len(text), unseen)


def _card(each: Shown) -> dict[str, Any]:
    """A post with its decision, as the page shows them."""
    row, post = each.row, each.post
    said = {
        "display_name": post.author and post.author.display_name,
        "bio": post.author and post.author.bio,
        "title": post.title,
        "text": post.text,
    }
    raised = dict.fromkeys(taxonomy().category_of[clause] for clause in row["clauses"])
    return {
        "row": row,
        "at": _moment(row["published_at"]),
        "passages": [_passage(field, text, each.spans) for field, text in said.items() if text],
        "scores": [(category.value, row[category.value]) for category in raised],
        "clauses": [
            (taxonomy().clauses[clause], level)
            for clause, level in zip(row["clauses"], row["levels"], strict=True)
        ],
    }


def _moment(at: datetime | None) -> str | None:
    return None if at is None else f"{at.astimezone(_BEIJING):%Y-%m-%d %H:%M}"


def _samples(clusters: Sequence[Row], shown: Iterable[Shown]) -> dict[str, list[dict[str, Any]]]:
    """Flagged posts under the category of their highest score, protected ones apart.

    Examples of clusters are shown there.
    """
    elsewhere = {cluster["example_row"] for cluster in clusters}
    groups: dict[str, list[Shown]] = {name: [] for name in (*(c.value for c in Category), "")}
    for each in shown:
        if each.row["suggestion"] in {"review", "act"} and each.row["row"] not in elsewhere:
            groups["" if each.row["protected"] else _highest(each.row)].append(each)
    return {name: list(map(_card, sorted(of, key=_severity))) for name, of in groups.items()}


def _highest(row: Row) -> str:
    return max(Category, key=lambda category: float(row[category.value])).value


def _severity(each: Shown) -> tuple[bool, float, int]:
    return each.row["suggestion"] != "act", -each.row[_highest(each.row)], each.row["row"]


def _by_clause(rows: Iterable[Row]) -> dict[str, Counter[str]]:
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for row in rows:
        found[row["clause"]][row["level"]] += row["posts"]
    return {clause: found[clause] for clause in taxonomy().clauses}


def _runs(escalation: Iterable[Row]) -> list[tuple[str, int, int]]:
    """Steps of an account with their days, and how often each comes in a row."""
    return [
        (step, days, sum(1 for _ in group))
        for (step, days), group in groupby(escalation, lambda found: (found["step"], found["days"]))
    ]


def _breakdowns(summary: Mapping[str, Any]) -> list[tuple[Name, list[tuple[Name, Counter[str]]]]]:
    """Tables of posts by suggestion, one a property."""
    return [
        (
            ("账号认证类型", "Account type"),
            _in_order("account_type", summary["account_types"]),
        ),
        (("平台", "Platform"), _largest(summary["platforms"])),
        (("AI 标识状态", "AI-label state"), _in_order("ai_state", summary["ai_states"])),
    ]


def _counted(rows: Iterable[Row]) -> dict[str | None, Counter[str]]:
    found: dict[str | None, Counter[str]] = defaultdict(Counter)
    for row in rows:
        found[row["name"]][row["suggestion"]] += row["posts"]
    return found


def _in_order(kind: str, rows: Iterable[Row]) -> list[tuple[Name, Counter[str]]]:
    found = _counted(rows)
    order = dict.fromkeys((*NAMES[kind], *found))
    return [(named(kind, name), found[name]) for name in order if name in found]


def _largest(rows: Iterable[Row]) -> list[tuple[Name, Counter[str]]]:
    """The largest by name, the others added up, and those without a name."""
    found = _counted(rows)
    nameless = found.pop(None, Counter())
    order = sorted(found, key=lambda name: (-found[name].total(), name or ""))
    told = [((plain(name), plain(name)), found[name]) for name in order[:_TOP]]
    others = order[_TOP:]
    if others:
        rest = sum((found[name] for name in others), Counter[str]())
        told.append(((f"其他（{len(others):,} 个）", f"others ({len(others):,})"), rest))
    if nameless:
        told.append((("未提供", "not given"), nameless))
    return told


def _histograms(categories: Mapping[str, Any]) -> dict[str, Chart]:
    """Of each category's scores: bars over log-odds, on one scale of counts."""
    bins = {name: _bins(found["log_odds"]) for name, found in categories.items()}
    most = max((n for each in bins.values() for n in each.values()), default=0)
    return {
        name: _histogram(bins[name], found["thresholds"], math.log10(most + 1) or 1.0)
        for name, found in categories.items()
    }


def _bins(found: Iterable[Row]) -> Counter[float]:
    counts: Counter[float] = Counter()
    for each in found:
        counts[min(max(each["from"], -_EDGE), _EDGE - BIN)] += each["posts"]
    return counts


def _histogram(bins: Mapping[float, int], thresholds: Mapping[str, Any], decades: float) -> Chart:
    """Heights are logarithms of counts: the few posts that matter are seen beside the many."""
    width, height = _PLOT
    bars = []
    for start, posts in sorted(bins.items()):
        tall = height * math.log10(posts + 1) / decades
        told = f"{_odds_told(start)} – {_odds_told(start + BIN)}: {posts:,}"
        box = Box(_across(start) + 0.5, height - tall, width * BIN / _EDGE / 2 - 1, tall, "", told)
        bars.append(box)
    lines = [
        Tick(_across(math.log(at / (1 - at))), f"{100 * at:.1f}%", level)
        for level, at in thresholds.items()
        if at is not None
    ]
    axis = [Tick(_across(_log_odds(told)), told) for told in _TICKS]
    powers = [Tick(0.0, "0")] + [
        Tick(math.log10(10**power + 1) / decades, f"{10**power:,}")
        for power in range(math.floor(decades) + 1)
        if math.log10(10**power + 1) <= decades
    ]
    up = [Tick(height * (1 - power.at), power.told) for power in powers]
    return Chart(width, height, tuple(bars), (*axis, *lines), tuple(up))


def _across(log_odds: float) -> float:
    return _PLOT[0] * (min(max(log_odds, -_EDGE), _EDGE) + _EDGE) / _EDGE / 2


def _log_odds(percentage: str) -> float:
    share = float(percentage.removesuffix("%")) / 100
    return math.log(share / (1 - share))


def _odds_told(log_odds: float) -> str:
    return f"{100 / (1 + math.exp(-log_odds)):.3g} %"


@dataclass(frozen=True, slots=True)
class Time:
    """Posts over time: how many, and how many of a thousand go to review; ``unit`` of a bar."""

    unit: str
    posts: Chart | None
    per_thousand: Chart | None


def _time(days: Sequence[Row]) -> Time:
    """By day, or by month or year where days would be too many."""
    found: dict[date, Counter[str]] = defaultdict(Counter)
    for row in days:
        if row["day"] is not None:
            found[_date(row["day"])][row["suggestion"]] += row["posts"]
    if not found:
        return Time("day", None, None)
    unit, periods = _periods(found)
    posts = [{name.value: float(n[name]) for name in _HARSHEST_FIRST} for n in periods.values()]
    rates = [{"rate": 1000 * flagged(n) / n.total() if n else 0.0} for n in periods.values()]
    told = partial(named, "bar")
    return Time(unit, stacked(list(periods), posts, told), stacked(list(periods), rates, told))


def _date(day: str) -> date:
    year, month, number = map(int, day.split("-"))
    return date(year, month, number)


def _periods(found: Mapping[date, Counter[str]]) -> tuple[str, dict[str, Counter[str]]]:
    """Counts by period, gaps included; of very long spans only years that have posts."""
    first, last = min(found), max(found)
    months = 12 * (last.year - first.year) + last.month - first.month + 1
    if (last - first).days < _DAYS:
        every = (first + timedelta(days=n) for n in range((last - first).days + 1))
        return "day", {day.isoformat(): found.get(day, Counter()) for day in every}
    unit, length = ("month", 7) if months <= _MONTHS else ("year", 4)
    counts: dict[str, Counter[str]] = {}
    if unit == "month":
        start = 12 * first.year + first.month - 1
        counts = {f"{m // 12:04}-{m % 12 + 1:02}": Counter() for m in range(start, start + months)}
    for day in sorted(found):
        counts.setdefault(day.isoformat()[:length], Counter()).update(found[day])
    names = list(counts)[-_PERIODS:]
    earlier = [n for name, n in counts.items() if name not in names]
    before = {f"< {names[0]}": sum(earlier, Counter[str]())} if earlier else {}
    return unit, before | {name: counts[name] for name in names}
