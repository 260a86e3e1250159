"""Published engines on weights of our shape; run by speed.py in an environment of their own.

.venv-peers/bin/python benchmarks/published.py SINGLES

The working folder holds tokenizer.json, shape.json and the posts in texts.json, of which SINGLES
are timed one by one too; a text classifier of that shape and speeds.json are written beside them.
Infinity is a serving engine with dynamic batching, timed in its Python API, without HTTP; its 8-bit
graph is what optimum, which it builds on, exports. Detoxify is a moderation package.
"""

import asyncio
import json
import logging
import sys
from collections.abc import Sequence
from dataclasses import asdict
from functools import partial
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch
from detoxify import Detoxify
from infinity_emb import AsyncEmbeddingEngine, EngineArgs
from optimum.onnxruntime import ORTModelForSequenceClassification, ORTQuantizer
from optimum.onnxruntime.configuration import AutoQuantizationConfig
from timing import CORES, Reading, Speed, System, in_turns, spread
from transformers import BertConfig, BertForSequenceClassification, PreTrainedTokenizerFast

_BATCH = 32
#: posts in a run of Infinity's engines: it gives the second a batch, which takes it post by post
_INFINITY_RUNS = {"torch": _BATCH, "optimum": 1}
#: an absolute name would do for all but Infinity's ONNX engine, which does not find its graph then
_HERE = Path()
_LABELS = 6
_SPECIALS = {
    "pad_token": "<pad>",
    "unk_token": "<unk>",
    "cls_token": "<s>",
    "sep_token": "</s>",
    "model_max_length": 512,
}


def main() -> None:
    """Time each on the same texts."""
    logging.disable(logging.INFO)  # Infinity switches the chatter of every library on
    texts = json.loads(Path("texts.json").read_text(encoding="utf-8"))
    torch.set_num_threads(CORES)
    singles = spread(texts, int(sys.argv[1]))
    tokens = _write_model()(texts)["input_ids"]
    reading = Reading(len(texts), float(np.mean([len(ids) for ids in tokens])))
    speeds = {
        "d_infinity_torch_fp32": _infinity("torch", texts, singles, reading),
        "e_infinity_onnx_int8": _infinity("optimum", texts, singles, reading),
        "f_detoxify_torch_fp32": _detoxify(texts, singles, reading),
    }
    packages = ("infinity-emb", "optimum", "detoxify", "transformers", "onnxruntime", "torch")
    versions = {name: version(name) for name in packages}
    systems = {name: asdict(speed) for name, speed in speeds.items()}
    found = json.dumps({"systems": systems, "versions": versions})
    Path("speeds.json").write_text(found, encoding="utf-8")


def _write_model() -> PreTrainedTokenizerFast:
    """Random weights, their 32-bit and 8-bit ONNX graphs, and the tokenizer."""
    tokenizer = PreTrainedTokenizerFast(tokenizer_file="tokenizer.json", **_SPECIALS)
    tokenizer.save_pretrained(_HERE)
    shape = json.loads(Path("shape.json").read_text(encoding="utf-8"))
    config = BertConfig.from_dict({**shape, "num_labels": _LABELS})
    BertForSequenceClassification(config).save_pretrained(_HERE)
    model = ORTModelForSequenceClassification.from_pretrained(_HERE, export=True)
    model.save_pretrained(_HERE)
    eight_bit = AutoQuantizationConfig.avx512_vnni(is_static=False, per_channel=True)
    ORTQuantizer.from_pretrained(model).quantize(eight_bit, _HERE)
    return tokenizer


def _infinity(engine: str, texts: Sequence[str], singles: Sequence[str], reading: Reading) -> Speed:
    """Its queue is given all texts, and makes batches itself."""
    arguments = EngineArgs(
        model_name_or_path=str(_HERE),
        engine=engine,
        device="cpu",
        batch_size=_BATCH,
        model_warmup=False,  # its text has more tokens than a BERT has places
    )
    infinity = AsyncEmbeddingEngine.from_args(arguments)
    with asyncio.Runner() as runner:

        def classify(some: Sequence[str]) -> None:
            runner.run(infinity.classify(sentences=list(some)))

        runner.run(infinity.astart())
        classify(texts[:_BATCH])
        batches = {_INFINITY_RUNS[engine]: lambda part: classify(texts[part])}
        ones = [lambda text=text: classify([text]) for text in singles]
        (found,) = in_turns([System(reading, batches, ones)])
        runner.run(infinity.astop())
    return found


def _detoxify(texts: Sequence[str], singles: Sequence[str], reading: Reading) -> Speed:
    """It pads what it is given at once to the longest, so batches are its users' own affair."""
    weights = BertForSequenceClassification.from_pretrained(_HERE)
    arguments = {
        "model_type": str(_HERE),
        "model_name": "BertForSequenceClassification",
        "tokenizer_name": "AutoTokenizer",
        "num_classes": _LABELS,
    }
    classes = [f"class {number}" for number in range(_LABELS)]
    config = {"arch": {"args": arguments}, "dataset": {"args": {"classes": classes}}}
    checkpoint = "detoxify.ckpt"
    torch.save({"config": config, "state_dict": weights.state_dict()}, checkpoint)
    model = Detoxify(checkpoint=checkpoint)
    model.predict(list(texts[:_BATCH]))

    def predict(size: int, part: slice) -> None:
        some = list(texts[part])
        for start in range(0, len(some), size):
            model.predict(some[start : start + size])

    batches = {size: partial(predict, size) for size in (1, _BATCH)}
    ones = [lambda text=text: model.predict(text) for text in singles]
    (found,) = in_turns([System(reading, batches, ones)])
    return found


if __name__ == "__main__":
    main()
