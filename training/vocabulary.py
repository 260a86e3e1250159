"""Which pieces of the multilingual vocabulary a reader of Chinese keeps, and the tokenizer."""

import re
import tempfile
from collections.abc import Sequence
from pathlib import Path

import sentencepiece
from sentencepiece import sentencepiece_model_pb2
from tokenizers import AddedToken, Regex, Tokenizer, normalizers, pre_tokenizers
from tokenizers.models import Unigram
from tokenizers.processors import TemplateProcessing

#: ids the XLM-R vocabulary begins with
SPECIALS = ("<s>", "<pad>", "</s>", "<unk>")

_HAN = re.compile(r"[\u3007\u3400-\u4dbf\u4e00-\u9fff]+")
# Latin words inside Chinese posts: short pieces cover brands, units and pinyin, and a piece that
# begins a word is rarer because no space stands before it
_LATIN = re.compile(r"[A-Za-z]{1,4}|▁[A-Za-z]{1,3}")
# the words before the colon of the encoder's own prompts
_PROMPTS = ("▁query", "▁passage")
# alphabets and syllabaries of other languages, from Armenian to Mongolian, and Hangul
_FOREIGN = re.compile(
    "[\u0530-\u1cff\u2d00-\u2dff\ua500-\uabff\uac00-\ud7ff\ufb13-\ufdff\ufe70-\ufefe]"
)


def kept(pieces: Sequence[str]) -> list[int]:
    """Places of the pieces to keep, in order: specials first.

    Kept are single characters except those of foreign scripts, pieces of Han characters alone,
    pieces without a letter (digits, punctuation, emoji), short Latin pieces, and the encoder's own
    prompts.
    """
    places = range(len(SPECIALS), len(pieces))
    return [*range(len(SPECIALS)), *(place for place in places if _is_kept(pieces[place]))]


def _is_kept(piece: str) -> bool:
    body = piece.removeprefix("▁")
    if len(body) <= 1:
        return not _FOREIGN.match(body)
    if _HAN.fullmatch(body) or not any(character.isalpha() for character in body):
        return True
    return piece in _PROMPTS or _LATIN.fullmatch(piece) is not None


def unigram_tokenizer(pieces: Sequence[str], scores: Sequence[float]) -> Tokenizer:
    """An XLM-R tokenizer (Conneau et al. 2020) over the given pieces, specials first.

    Args:
        pieces: ids are places.
        scores: log-probabilities, one a piece.
    """
    tokenizer = Tokenizer(Unigram(list(zip(pieces, scores, strict=True)), unk_id=3))
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.Precompiled(_nmt_nfkc()), normalizers.Replace(Regex(" {2,}"), " ")]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always")
    tokenizer.post_processor = TemplateProcessing(
        single="<s> $A </s>",
        pair="<s> $A </s> </s> $B </s>",
        special_tokens=[("<s>", 0), ("</s>", 2)],
    )
    tokenizer.add_special_tokens([AddedToken(token, special=True) for token in SPECIALS])
    return tokenizer


def _nmt_nfkc() -> bytes:
    """The compiled normalisation map ``nmt_nfkc``, which sentencepiece writes into any model."""
    with tempfile.TemporaryDirectory() as folder:
        text = Path(folder, "text")
        text.write_text("a b c\n" * 10, encoding="utf-8")
        sentencepiece.SentencePieceTrainer.train(
            input=str(text),
            model_prefix=str(text),
            vocab_size=8,
            hard_vocab_limit=False,
            normalization_rule_name="nmt_nfkc",
            minloglevel=2,
        )
        model = sentencepiece_model_pb2.ModelProto  # type: ignore[attr-defined]
        proto = model.FromString(text.with_suffix(".model").read_bytes())
    return bytes(proto.normalizer_spec.precompiled_charsmap)
