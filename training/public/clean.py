"""Cleaning that keeps a data set's habits from giving its labels away."""

import hashlib
import html
import re
from collections.abc import Iterator

from labels.masking import PHONE

_TAG = re.compile(r"<[^<>]{1,200}>")
_LINK = re.compile(r"(?:https?://|www\.|t\.cn/)[\w./?=&%#~:+-]+", re.ASCII)
_ACCOUNT = re.compile(r"@[\w\-·]{1,30}")
_PERSON = re.compile(
    r"(联系人|失主叫|记者|编辑|通讯员)([：: ]?)[\u4e00-\u9fff]{2,3}(?=[，。、 ）)：:0-9])"
)
#: brackets and marks that one class of a set has far more often than the other
_MARKS = re.compile(r"[【】\[\]#＃*`]|\\n|(?:^|\n)\s*[-·•>]+ ")
_QUOTES = re.compile('[“”„‟«»「」『』"]')
#: a line that ends without a stop is a sentence of its own
_LINE_END = re.compile(r"(?<=[\u4e00-\u9fffA-Za-z0-9\"）)%])\s*[\r\n]\s*")
_SPACE_IN_CHINESE = re.compile(r"(?<=[^\x00-\x7f])\s+|\s+(?=[^\x00-\x7f])")
_SPACE = re.compile(r"\s+")
_AFTER_CHINESE = {".": "。", ",": "，", "!": "！", "?": "？", ":": "：", ";": "；"}
_HALF_WIDTH = re.compile(r"(?<=[\u4e00-\u9fff\"）)])[.,!?:;](?!\d)")
_SENTENCE = re.compile(r"[^。！？!?；;…]*[。！？!?；;…]+[”\"』」）)]*|[^。！？!?；;…]+$")
_VERDICT = re.compile(
    r"(?:经核实|经查|据核实)?[，,]?(?:此|该|上述)?(?:消息|信息|说法|传言|内容)?"
    r"(?:为|是|系|属|纯属)(?:谣言|不实信息|虚假信息|假的|假消息)|辟谣|谣言|不实|造谣"
)

#: passages of long texts, in characters
MIN_PASSAGE, MAX_PASSAGE = 100, 300


def tidy(text: str) -> str:
    """One line without markup, links, accounts, phone numbers, brackets and hash signs.

    Names after words that announce one are masked too. Quotes become one kind, and half-width
    signs after Chinese their full-width ones.
    """
    text = _TAG.sub("", html.unescape(text))
    text = _ACCOUNT.sub("@用户", _LINK.sub("", text))
    text = PHONE.sub("00000000000", text)
    text = _PERSON.sub(r"\1\2某某", text)
    text = _LINE_END.sub("。", _QUOTES.sub('"', _MARKS.sub("", text)).strip())
    text = _SPACE.sub(" ", _SPACE_IN_CHINESE.sub("", text)).strip()
    return _HALF_WIDTH.sub(lambda sign: _AFTER_CHINESE[sign[0]], text)


def passages(text: str, count: int) -> Iterator[str]:
    """Up to ``count`` passages of 100 to 300 characters that end with a sentence.

    Whole sentences from places spread over the text; a text that is shorter than a passage is
    one by itself. Lengths differ from passage to passage and depend on nothing but the text.
    """
    if len(text) <= MAX_PASSAGE:
        yield text
        return
    sentences = _SENTENCE.findall(text)
    for part in range(count):
        at = part * len(sentences) // count
        passage = _from(sentences[at:], _length(text, part))
        if len(passage) >= MIN_PASSAGE:
            yield passage


def without_verdict(text: str) -> str:
    """The text without the words that call something a rumour, in every second text.

    Refutations always have them; unless some lose them, the words become a sign of safety.
    """
    return _VERDICT.sub("", text) if _number(text) % 2 else text


def _from(sentences: list[str], length: int) -> str:
    passage = ""
    for sentence in sentences:
        if len(passage) + len(sentence) > length and len(passage) >= MIN_PASSAGE:
            break
        passage += sentence
    return passage[:MAX_PASSAGE]


def _length(text: str, part: int) -> int:
    return MIN_PASSAGE + _number(f"{part} {text}") % (MAX_PASSAGE - MIN_PASSAGE + 1)


def _number(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")
