"""Texts of people beside texts of language models on the same questions and titles."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

from labels.taxonomy import MACHINE_WRITTEN, Category, taxonomy
from training.public import files
from training.public.clean import MIN_PASSAGE, passages, tidy
from training.public.rows import BY_PEOPLE, Marks, PublicRow

#: the newest of its set's; a figure on an unseen generator needs one
UNSEEN_GENERATOR = "qwen-3"
#: a rule finds these; a model would learn nothing else
_SAYS_SO = re.compile(
    r"作为(?:一个|一名|一款)?(?:AI|人工智能|语言模型|机器)|很抱歉|无法(?:回答|提供)"
)

#: whether a machine's text lacks its label depends on the author, who is not known here
_MACHINES: Marks = {
    **{
        head: False
        for head in (*Category, *taxonomy().clauses)
        if not head.startswith("3.") and head != Category.UNLABELED_AI
    },
    MACHINE_WRITTEN: True,
}


def c_red(domain: str) -> Callable[[Path], Iterator[PublicRow]]:
    """``c-red``: one domain without the generator that is kept unseen; ``made`` names the others.

    Label 1 is human.
    """

    def read(data: Path) -> Iterator[PublicRow]:
        return (row for row in _c_red(data, domain) if row.made != UNSEEN_GENERATOR)

    return read


def c_red_unseen(data: Path) -> Iterator[PublicRow]:
    """``c-red``: the texts of the generator that no model learns from."""
    for folder in sorted((data / "c-red").iterdir()):
        if folder.is_dir():
            yield from (row for row in _c_red(data, folder.name) if row.made == UNSEEN_GENERATOR)


def _c_red(data: Path, domain: str) -> Iterator[PublicRow]:
    for path in sorted((data / "c-red" / domain).glob("*.csv.xz")):
        for row in files.table(path):
            made = None if row["label"] == "1" else row["attribution"]
            title = next((row[name] for name in row if name.endswith("_title")), row["id"])
            yield from _rows(row["text"], f"c-red {domain} {title}", made)


def hc3(part: str) -> Callable[[Path], Iterator[PublicRow]]:
    """``hc3-chinese``: one part; answers of people and of a chat model of 2022."""

    def read(data: Path) -> Iterator[PublicRow]:
        path = data / "hc3-chinese" / f"{part}.jsonl.xz"
        for number, entry in enumerate(files.objects(path)):
            group = f"hc3 {part} {number}"
            for text in entry["human_answers"]:
                yield from _rows(text or "", group, None)
            for text in entry["chatgpt_answers"]:
                yield from _rows(text or "", group, "gpt-3.5")

    return read


def hc3_plus(data: Path) -> Iterator[PublicRow]:
    """``hc3-plus-zh``: questions and answers; label 1 is machine."""
    path = data / "hc3-plus-zh" / "val_hc3_QA.jsonl.xz"
    for number, entry in enumerate(files.objects(path)):
        made = "gpt-3.5" if entry["label"] == 1 else None
        yield from _rows(entry["text"], f"hc3plus {number}", made)


def _rows(text: str, group: str, made: str | None) -> Iterator[PublicRow]:
    """One passage; texts too short to tell who wrote them are left out."""
    if _SAYS_SO.search(text):
        return
    for passage in passages(tidy(text), 1):
        if len(passage) >= MIN_PASSAGE:
            yield PublicRow(passage, _MACHINES if made else BY_PEOPLE, group, made=made)
