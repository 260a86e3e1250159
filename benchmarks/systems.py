"""What `make bench` compares: ours, its shape in other engines, and published packages."""

import json
import os
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from shape import random_model, write_for_peers
from timing import CORES, Reading, System

from classifiers.bundle import TransformerPart, default_model_folder
from classifiers.encoding import PostEncoder
from classifiers.rendering import MARKERS, content, face
from classifiers.scorer import load_scorer
from classifiers.session import Session
from classifiers.transformer_model import GRAPH
from labels.records import Post
from training.transformer_export import write_graph

#: a BERT has no more places
_PEER_TOKENS = 512

#: token ids of a post's windows
Windows = list[list[int]]


def windows_of(encoder: PostEncoder, rows: Sequence[Post]) -> list[Windows]:
    """What the transformer reads of each post."""
    return [[window.ids for window in encoder.encode(post)] for post in rows]


def tokens_a_post(windows: Sequence[Windows]) -> float:
    """The mean over posts."""
    return float(np.mean([sum(map(len, post)) for post in windows]))


def mingbian(rows: Sequence[Post], some: Sequence[Post], tokens: float) -> System:
    """The bundled model, n-gram expert included: batches of all posts, single ones of some."""
    scorer = load_scorer(default_model_folder(), threads=CORES)
    scorer.score(some)
    return System(
        Reading(len(rows), tokens),
        {1: lambda part: scorer.score(rows[part])},
        [lambda post=post: scorer.score([post]) for post in some],
    )


def torch_fp32(encoder: PostEncoder, windows: Sequence[Windows], some: Sequence[Windows]) -> System:
    """The transformer alone, without its heads' calibration and the n-gram expert."""
    model = random_model(encoder)

    def score(post: Windows) -> None:
        with torch.no_grad():
            for ids in post:
                tokens = torch.tensor([ids])
                model.window_logits(tokens, torch.ones_like(tokens))

    score(windows[0])
    return System(
        Reading(len(windows), tokens_a_post(windows)),
        {1: lambda part: [score(post) for post in windows[part]]},
        [lambda post=post: score(post) for post in some],
    )


@contextmanager
def onnx_fp32(
    part: TransformerPart,
    encoder: PostEncoder,
    windows: Sequence[Windows],
    some: Sequence[Windows],
) -> Iterator[System]:
    """The same, on one-thread sessions as ours."""
    model = random_model(encoder)
    with tempfile.TemporaryDirectory() as folder:
        graph = Path(folder) / GRAPH
        write_graph(graph, model, part.limits)
        session = Session(graph, len(model.bias))

    def score(post: Windows) -> None:
        for ids in post:
            session.run({"input_ids": np.array([ids], dtype=np.int64)})

    score(windows[0])
    with ThreadPoolExecutor(CORES) as pool:
        yield System(
            Reading(len(windows), tokens_a_post(windows), cores_for_one=1),
            {1: lambda chosen: list(pool.map(score, windows[chosen]))},
            [lambda post=post: score(post) for post in some],
        )


def published(
    python: Path, encoder: PostEncoder, rows: Sequence[Post], singles: int
) -> dict[str, Any]:
    """Speeds and versions of published packages, timed in their environment by published.py."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_for_peers(folder)
        texts = json.dumps([_as_text(encoder, post) for post in rows])
        (folder / "texts.json").write_text(texts, encoding="utf-8")
        script = Path(__file__).absolute().with_name("published.py")
        command = [python.absolute(), script, str(singles)]
        offline = {"HF_HUB_OFFLINE": "1", "DO_NOT_TRACK": "1"}
        subprocess.run(command, cwd=folder, env=os.environ | offline, check=True)
        found: dict[str, Any] = json.loads((folder / "speeds.json").read_text(encoding="utf-8"))
    return found


def _as_text(encoder: PostEncoder, post: Post) -> str:
    """Face and content as one text of no more than a BERT reads."""
    lines = [MARKERS[marker] + words for marker, words in face(post)]
    text = "\n".join([*lines, content(post)])
    ends = [end for _, end in encoder.tokenizer.encode(text, add_special_tokens=False).offsets]
    room = _PEER_TOKENS - encoder.tokenizer.num_special_tokens_to_add(is_pair=False)
    return text[: ends[room - 1]] if len(ends) > room else text
