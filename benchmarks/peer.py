"""What people run today, to compare with: ``transformers.pipeline`` over a BERT-base in fp32."""

import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers
from transformers import (
    BertConfig,
    BertForSequenceClassification,
    PreTrainedTokenizerFast,
)
from transformers import (
    pipeline as load_pipeline,
)

from classifiers.rendering import content
from labels.dataset import corpus_folder, load_corpus, posts
from labels.records import Post

#: what a peer is timed on: a whole run over all posts would take it minutes
PEER_POSTS = 200
SINGLE_POSTS = 100


def real_length_posts(count: int) -> list[Post]:
    """Posts spread over the corpus, repeated only if it has fewer."""
    rows = posts(load_corpus(corpus_folder()))
    chosen = np.linspace(0, len(rows) - 1, count).astype(int)
    return [rows[place] for place in chosen]


def pipeline(rows: Sequence[Post]) -> dict[str, float]:
    """The faster of batches of 1 and of 32, which is the pipeline's own way to be fast."""
    texts = [content(post) for post in rows[:: max(1, len(rows) // PEER_POSTS)]][:PEER_POSTS]
    config = BertConfig(vocab_size=21_128)
    model = BertForSequenceClassification(config).eval()
    classify = load_pipeline(
        "text-classification", model=model, tokenizer=_characters(texts), device="cpu"
    )
    classify(texts[:8])
    batches = [
        batch(lambda size=size: classify(texts, batch_size=size, truncation=True), len(texts))
        for size in (1, 32)
    ]
    fastest = max(batches, key=lambda found: found["posts_per_second"])
    calls = [lambda text=text: classify(text, truncation=True) for text in texts[:SINGLE_POSTS]]
    return {**fastest, **single(calls)}


def batch(work: Callable[[], Any], count: int) -> dict[str, float]:
    """Posts a second of a call that scores so many."""
    start = time.perf_counter()
    work()
    return {"posts_per_second": round(count / (time.perf_counter() - start), 2)}


def single(calls: Sequence[Callable[[], Any]]) -> dict[str, float]:
    """Latency of posts one at a time, milliseconds."""
    times = []
    for call in calls:
        start = time.perf_counter()
        call()
        times.append(1e3 * (time.perf_counter() - start))
    p50, p99 = np.percentile(times, [50, 99])
    return {"p50_ms": round(float(p50), 2), "p99_ms": round(float(p99), 2)}


def _characters(texts: Sequence[str]) -> PreTrainedTokenizerFast:
    """A token a character, as BERT-base reads Chinese."""
    specials = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
    signs = sorted({sign for text in texts for sign in text.lower()})[: 21_128 - len(specials)]
    vocabulary = {token: place for place, token in enumerate([*specials, *signs])}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="[PAD]",
        unk_token="[UNK]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        model_max_length=512,
    )
