"""Explicit labels: the words by which a post itself says how it was made.

In order: normalise, drop quoted spans, then in each sentence talk about AI (denial, question,
removal, news, law) before conforming before weak wording.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from labels.normalize import normalize, simplify
from labels.reader import patterns


class Kind(StrEnum):
    """What a label says of the post."""

    AI = "ai"
    FICTION = "fiction"
    OPINION = "opinion"
    REPOST = "repost"
    MARKETING = "marketing"
    SELF_SHOT = "self_shot"
    SOURCE = "source"
    CAUTION = "caution"
    DISCLOSED = "disclosed"
    NO_LABEL_NEEDED = "no_label_needed"


class Wording(StrEnum):
    """Whether an AI label holds both elements that GB 45438-2025, 5.1 asks for; best first."""

    CONFORMING = "conforming"
    WEAK = "weak"


@dataclass(frozen=True, slots=True)
class ExplicitLabel:
    """A label that was read; ``text`` is the normalised sentence that holds it."""

    kind: Kind
    wording: Wording
    text: str


_QUOTED = re.compile(r"[“「『\"‘][^”」』\"’\n]{0,60}[”」』\"’]|《[^》\n]{0,60}》")
_ONLY_QUOTED = re.compile(r"\s*[“「『\"‘]([^”」』\"’\n]{0,60})[”」』\"’]\s*")
# "A I 生 成": single characters set apart
_SPACED_OUT = re.compile(r"(?<!\w)\w(?: \w){2,}(?!\w)")
_SENTENCE = re.compile(r"(?:[^。!?\n.]|\.(?!\s))+[。!?\n.]*")
_BRACKETED = re.compile(r"[【\[(〔<]([^】\])〕>\n]{2,60})[】\])〕>]|#([^#\s]+)")
_STRONG = re.compile(
    r"[\n|/#【】\[\]()〔〕<>~～·•。!?;…—–]|[^\w\s,、:.%=+&@*'\"“”‘’-]|(?<!\w)-|-(?!\w)"
)
_COMMA = re.compile(r"[,、]")
_SOFT = re.compile(r"[,、:\s]+")


def read_explicit(text: str) -> tuple[ExplicitLabel, ...]:
    """Every label in one field of a post; at most one for each kind, the best worded.

    Args:
        text: title, text, display name or bio, as written.
    """
    plain = simplify(normalize(text)).lower()
    only = _ONLY_QUOTED.fullmatch(plain)
    plain = only.group(1) if only else _QUOTED.sub("〇", plain)
    plain = _SPACED_OUT.sub(lambda match: match.group().replace(" ", ""), plain)
    return tuple(_best(label) for label in _by_kind(_SENTENCE.findall(plain)))


def _by_kind(sentences: list[str]) -> Iterator[list[ExplicitLabel]]:
    found: dict[Kind, list[ExplicitLabel]] = {}
    for sentence in sentences:
        for kind, wording in _kinds(sentence):
            found.setdefault(kind, []).append(ExplicitLabel(kind, wording, sentence.strip()))
    yield from found.values()


def _best(labels: list[ExplicitLabel]) -> ExplicitLabel:
    return min(labels, key=lambda label: label.wording)


def _kinds(sentence: str) -> Iterator[tuple[Kind, Wording]]:
    wording = _ai_wording(sentence)
    if wording:
        yield Kind.AI, wording
    for name, pattern in patterns.OTHER_KINDS.items():
        kind = Kind(name)
        denied = kind is Kind.FICTION and patterns.NOT_FICTION.search(sentence)
        if pattern.search(sentence) and not denied and not patterns.QUESTION.search(sentence):
            yield kind, Wording.CONFORMING


def _ai_wording(sentence: str) -> Wording | None:
    wordings = [_bare(sentence), _declared(sentence)]
    others = patterns.OTHERS.search(sentence)
    # "today I came across a clip titled [AI生成]": a bracket after talk of others is theirs
    own = len(sentence) if others is None else others.start()
    for match in _BRACKETED.finditer(sentence, 0, own):
        unit = match[1] or match[2]
        wordings += [_bare(unit), _declared(unit)]
    return min(filter(None, wordings), default=None)


def _declared(sentence: str) -> Wording | None:
    """A sentence that says the post, or a part of it, was made with AI."""
    for wording, shapes in (
        (Wording.CONFORMING, patterns.CONFORMING),
        (Wording.WEAK, patterns.WEAK),
    ):
        for match in filter(None, (shape.search(sentence) for shape in shapes)):
            if not _is_talk(sentence, match.end()):
                return wording
    return None


def _is_talk(sentence: str, end: int) -> bool:
    """Whether what is said up to the end of the clause around ``end`` only talks about AI."""
    comma = sentence.find(",", end)
    said = sentence if comma < 0 else sentence[:comma]
    clause = said[said.rfind(",", 0, end) + 1 :]
    others = clause if patterns.OWN.search(clause) else said
    return bool(
        patterns.TALK.search(said)
        or patterns.OTHERS.search(others)
        or patterns.RULES_AND_NEWS.search(sentence)
    )


def _bare(sentence: str) -> Wording | None:
    """A label that stands alone: between strong separators, or in a sentence of its own."""
    if patterns.OTHERS.search(sentence):
        return None
    talk = patterns.TALK.search(sentence)
    found = []
    for segment in _STRONG.split(sentence):
        found.append(_bare_segment(_SOFT.sub("", segment)))
        if not talk:
            pieces = [*_COMMA.split(segment), *segment.split()]
            found += [_bare_segment(_SOFT.sub("", piece)) for piece in pieces]
    return min(filter(None, found), default=None)


def _bare_segment(segment: str) -> Wording | None:
    if patterns.BARE_CONFORMING.fullmatch(segment):
        return Wording.CONFORMING
    return Wording.WEAK if patterns.BARE_WEAK.fullmatch(segment) else None
