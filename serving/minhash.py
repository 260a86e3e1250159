"""Near-duplicates by MinHash (Broder 1997): contents that share most of their words."""

import numpy as np
import numpy.typing as npt

from labels.disguise import fold

#: shorter contents say too little to be copies of one another
MIN_CHARS = 20
#: contents of which at least this share of three-character pieces is common are near
SIMILARITY = 0.5
HASHES, BANDS = 64, 16

_random = np.random.Generator(np.random.PCG64(20250729))
_MULTIPLIERS = _random.integers(1, 2**63, HASHES, dtype=np.uint64) * np.uint64(2) + np.uint64(1)
_PIECE = np.array([0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9], dtype=np.uint64)
_MIX = np.uint64(0xFF51AFD7ED558CCD)
_HIGH = np.uint64(32)

Signature = npt.NDArray[np.uint32]


def signature(text: str) -> Signature:
    """Shape (64,): equal in as many places as two texts have pieces in common, on average."""
    codes = np.frombuffer((fold(text) or text).encode("utf-32-le"), dtype=np.uint32).astype(
        np.uint64
    )
    pieces = np.lib.stride_tricks.sliding_window_view(np.pad(codes, (1, 1)), 3) * _PIECE
    hashed = np.unique(pieces.sum(axis=1, dtype=np.uint64))
    hashed = (hashed ^ (hashed >> _HIGH)) * _MIX
    spread = (hashed[None, :] * _MULTIPLIERS[:, None]) >> _HIGH
    return np.asarray(spread.min(axis=1), dtype=np.uint32)


def bands(of: Signature) -> npt.NDArray[np.uint64]:
    """Shape (16,): near texts agree in one of them, others hardly ever."""
    rows = of.reshape(BANDS, -1).astype(np.uint64)
    weights = _MULTIPLIERS[: rows.shape[1]]
    return np.asarray((rows * weights).sum(axis=1, dtype=np.uint64))
