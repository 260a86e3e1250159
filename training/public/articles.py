"""Long texts of people, cut into passages: news, refutations, reference works, official texts."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

from training.public import files
from training.public.clean import passages, tidy, without_verdict
from training.public.rows import BY_PEOPLE, ORDINARY, PublicRow, plain

_NEWS_HEAD = re.compile(r"^\[?\s*[\d: ：-]{10,20}\s*\]?\s*，?(?:正文：|原标题：)?")
_HEADING = re.compile(r"^#+ .*$", re.MULTILINE)
_INFO_END = "<!-- INFO END -->"

_MIN_ARTICLE = 30


def refutations(publisher: str) -> Callable[[Path], Iterator[PublicRow]]:
    """``hrde_refutations``: refutations and science notes of one publisher."""

    def read(data: Path) -> Iterator[PublicRow]:
        for number, row in enumerate(
            files.table(data / "hrde_refutations" / f"{publisher}.csv.xz")
        ):
            for passage in passages(tidy(row["text"]), 2):
                if len(passage) >= _MIN_ARTICLE:
                    texts = [(f"{publisher}{number}", without_verdict(passage))]
                    yield from plain(texts, BY_PEOPLE)

    return read


def news_2023(data: Path) -> Iterator[PublicRow]:
    """``crud-news-2023``: passages of news reports of July and August 2023.

    They are later than the first chat models, so who wrote them is not asked.
    """
    path = data / "crud-news-2023" / "documents_dup_part_1_part_1.xz"
    for number, line in enumerate(files.lines(path)):
        for passage in passages(tidy(_NEWS_HEAD.sub("", line)), 3):
            if len(passage) >= _MIN_ARTICLE:
                yield PublicRow(passage, ORDINARY, f"news{number}", made="2023")


def encyclopaedia(data: Path) -> Iterator[PublicRow]:
    """``wiki-cmrc2018``: paragraphs of the Chinese Wikipedia, before 2018."""
    raw = json.loads(files.text(data / "wiki-cmrc2018" / "cmrc2018_dev.json.xz"))
    paragraphs = [paragraph for article in raw["data"] for paragraph in article["paragraphs"]]
    for number, paragraph in enumerate(paragraphs):
        texts = passages(tidy(paragraph["context"]), 1)
        yield from plain(((f"wiki{number}", text) for text in texts), BY_PEOPLE)


def abstracts(data: Path) -> Iterator[PublicRow]:
    """``csl-abstracts``: of papers of 2010 to 2020."""
    for number, line in enumerate(files.lines(data / "csl-abstracts" / "ts_dev.tsv")):
        texts = passages(tidy(line.split("\t")[1]), 1)
        yield from plain(((f"csl{number}", text) for text in texts), BY_PEOPLE)


def laws(data: Path) -> Iterator[PublicRow]:
    """``laws-official``: regulations, interpretations and guiding cases."""
    for path in sorted((data / "laws-official").rglob("*.md")):
        if path.name == "SOURCE.md":
            continue
        whole = path.read_text(encoding="utf-8").partition(_INFO_END)[2]
        for passage in passages(tidy(_HEADING.sub("", whole)), 4):
            if len(passage) >= _MIN_ARTICLE:
                yield from plain([(f"law {path.stem}", passage)], BY_PEOPLE)


def legal_answers(data: Path) -> Iterator[PublicRow]:
    """``lawbench_legal``: questions of people, and the answers of lawyers."""
    path = data / "lawbench_legal" / "3-8.first350.json"
    for number, entry in enumerate(files.objects(path)):
        group = f"lawbench{number}"
        yield from plain([(group, tidy(entry["question"]))], BY_PEOPLE)
        answer = entry["answer"].removeprefix("回答:")
        texts = ((group, text) for text in passages(tidy(answer), 2))
        yield from plain(texts, BY_PEOPLE)
