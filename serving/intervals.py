"""Intervals of shares."""

import math

#: of 95 %
Z = 1.96


def wilson(part: int, whole: int) -> tuple[float, float]:
    """The 95 % interval of a share (Wilson 1927); ``whole`` is at least 1."""
    share = part / whole
    spread = Z * math.sqrt(share * (1 - share) / whole + Z**2 / (4 * whole**2))
    middle, scale = share + Z**2 / (2 * whole), 1 + Z**2 / whole
    return (middle - spread) / scale, (middle + spread) / scale
