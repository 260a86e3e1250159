"""Weibo rumours and ordinary posts: two sets that overlap, one row of each near-duplicate group.

"Rumour" means reported to and confirmed by the platform's own board, a weak sign of the category
``distortion``; which clause, and whether another category holds too, is not known.
"""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from labels.taxonomy import Category
from training.public import files
from training.public.clean import tidy
from training.public.rows import ORDINARY, Marks, PublicRow

_RUMOUR: Marks = {Category.DISTORTION: True}
#: a moment in seconds has ten digits until 2286
_SECONDS_DIGITS = 10
_WORDS = "%a %b %d %H:%M:%S %z %Y"
_GROUPS = "weibo_near_dup_groups.tsv"


def rumours_2016(data: Path) -> Iterator[PublicRow]:
    """``weibo16_jin``: rumours, and posts that an agency verified; 2011 to 2016."""
    groups = _groups(data, "w16")
    for part in ("train_rumor", "train_nonrumor", "test_rumor", "test_nonrumor"):
        lines = files.lines(data / "weibo16_jin" / f"{part}.txt.xz")
        tweets = zip(lines[0::3], lines[2::3], strict=False)
        for number, (about, text) in enumerate(tweets):
            group = groups.pop(f"{part}:{number}", None)
            if group is not None:
                yield _row(
                    text,
                    f"w{group}",
                    rumour=part.endswith("_rumor"),
                    made=_day(about.split("|")[4]),
                )


def rumours_2014(data: Path) -> Iterator[PublicRow]:
    """``ced_thunlp``: rumours and ordinary posts; 2010 to 2014."""
    groups = _groups(data, "ced")
    labels = {r["file"]: r["label"] for r in files.table(data / "ced_labels.tsv", "\t")}
    for name, raw in files.members(data / "ced_thunlp" / "original-microblog.tar.xz"):
        group = groups.pop(name, None)
        if group is None:
            continue
        post = json.loads(raw)
        rumour = labels[name] == "rumor"
        yield _row(post["text"], f"w{group}", rumour=rumour, made=_day(str(post["time"])))


def ordinary(data: Path) -> Iterator[PublicRow]:
    """``ma_weibo``: its ordinary posts; its rumours are copies of the other sets'."""
    groups = _groups(data, "ma")
    for number, line in enumerate(files.lines(data / "ma_weibo" / "weibo.txt")):
        group = groups.pop(str(number), None)
        _, text, label = line.split("\t")
        if group is not None and label == "non-rumor":
            yield _row(text, f"w{group}", rumour=False, made=None)


def _groups(data: Path, name: str) -> dict[str, str]:
    """Key to group, for the one row that stands for each group, of whichever set it is."""
    first: dict[str, tuple[str, str]] = {}
    for row in files.table(data / _GROUPS, "\t"):
        if row["group"]:
            first.setdefault(row["group"], (row["dataset"], row["key"]))
    return {key: group for group, (of, key) in first.items() if of == name}


def _row(text: str, group: str, *, rumour: bool, made: str | None) -> PublicRow:
    return PublicRow(tidy(text), _RUMOUR if rumour else ORDINARY, group, made=made)


def _day(written: str) -> str | None:
    """The day of a moment written in seconds, milliseconds, ISO or the words of the platform."""
    if written.isdigit():
        seconds = int(written) / (1000 if len(written) > _SECONDS_DIGITS else 1)
        return datetime.fromtimestamp(seconds, UTC).date().isoformat()
    if written[:1].isalpha():
        return datetime.strptime(written, _WORDS).date().isoformat()
    return written[:10] or None
