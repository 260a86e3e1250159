"""What people run today, to compare with: ``transformers.pipeline`` over a BERT-base in fp32."""

from collections.abc import Sequence

import numpy as np
from timing import Reading, System, spread
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


def real_length_posts(count: int) -> list[Post]:
    """Posts spread over the corpus, repeated only if it has fewer."""
    return spread(posts(load_corpus(corpus_folder())), count)


def pipeline(rows: Sequence[Post], some: Sequence[Post] = ()) -> System:
    """The faster of batches of 1 and of 32, which is the pipeline's own way to be fast.

    Args:
        rows: for batches.
        some: one by one.
    """
    texts, singles = ([content(post) for post in chosen] for chosen in (rows, some))
    config = BertConfig(vocab_size=21_128)
    model = BertForSequenceClassification(config).eval()
    tokenizer = _characters(texts)
    classify = load_pipeline("text-classification", model=model, tokenizer=tokenizer, device="cpu")
    classify(texts[:8])
    tokens = [len(ids) for ids in tokenizer(texts, truncation=True)["input_ids"]]
    return System(
        Reading(len(texts), float(np.mean(tokens))),
        {
            size: lambda part, size=size: classify(texts[part], batch_size=size, truncation=True)
            for size in (1, 32)
        },
        [lambda text=text: classify(text, truncation=True) for text in singles],
    )


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
