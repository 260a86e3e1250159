"""Claims that were judged true or false: health, food and science."""

from collections.abc import Iterator
from pathlib import Path

from labels.taxonomy import MACHINE_WRITTEN, Category
from training.public import files
from training.public.clean import MAX_PASSAGE, passages, tidy
from training.public.rows import BY_PEOPLE, ORDINARY, Marks, PublicRow

_MIN_CHARS = 8
_FALSE: Marks = {Category.FALSE_SPECIALIST: True, "4.3": True}
_VERDICTS = {"假": _FALSE, "真": ORDINARY}
_HEALTH = {"是谣言": {**_FALSE, MACHINE_WRITTEN: True}, "不是谣言": ORDINARY}


def guokr(data: Path) -> Iterator[PublicRow]:
    """``guokr_liuyan``: claims judged by a science site; open ones are left out."""
    for number, entry in enumerate(_guokr(data)):
        marks = _VERDICTS.get(entry["LiuyanType"])
        text = tidy(entry["descrip"] or entry["title"])
        if marks is not None and len(text) >= _MIN_CHARS:
            yield PublicRow(text, marks, f"guokr{number}", made=entry["date"])


def guokr_arguments(data: Path) -> Iterator[PublicRow]:
    """``guokr_liuyan``: the argued answers, which are genuine popular science."""
    for number, entry in enumerate(_guokr(data)):
        for passage in passages(tidy(entry["detail"].partition("<h2>论证</h2>")[2]), 1):
            if len(passage) >= _MIN_CHARS:
                yield PublicRow(passage, BY_PEOPLE, f"guokr{number}")


def hrde_health(data: Path) -> Iterator[PublicRow]:
    """``hrde_health``: claims that a language model wrote; both labels cut to one length.

    Its true texts are longer and have line breaks, its false ones have none.
    """
    for number, entry in enumerate(files.objects(data / "hrde_health" / "dev_data.json")):
        marks = _HEALTH.get(entry["label"])
        if marks is not None:
            opening = tidy(entry["input"])[:MAX_PASSAGE]
            yield PublicRow(opening, marks, f"hrde{number}", made="language model")


def _guokr(data: Path) -> Iterator[dict[str, str]]:
    for path in sorted((data / "guokr_liuyan").glob("*.json.xz")):
        yield from files.objects(path)
