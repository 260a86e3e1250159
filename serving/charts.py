"""Geometry of the charts in reports."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from serving.pages import Name

#: size of a chart over time
_CHART = (960.0, 180.0)


@dataclass(frozen=True, slots=True)
class Box:
    """A bar of a chart; ``told`` when one points at it."""

    x: float
    y: float
    width: float
    height: float
    kind: str
    told: str


@dataclass(frozen=True, slots=True)
class Tick:
    """A place on an axis."""

    at: float
    told: str
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Chart:
    """Geometry of a chart, in the units of its view box."""

    width: float
    height: float
    bars: tuple[Box, ...]
    across: tuple[Tick, ...]
    up: tuple[Tick, ...]


def stacked(
    names: Sequence[str], columns: Sequence[Mapping[str, float]], named: Callable[[str], Name]
) -> Chart:
    """Bars on one another, the first of a column at the bottom.

    Args:
        names: of the columns, at least one.
        columns: amounts by kind.
        named: what a kind is called.
    """
    width, height = _CHART
    top = _ceiling(max(sum(column.values()) for column in columns))
    pitch = width / max(len(names), 12)
    bars = []
    for place, (name, column) in enumerate(zip(names, columns, strict=True)):
        y = height
        for kind, value in column.items():
            tall = height * value / top
            y -= tall
            if value:
                amount = f"{value:,.1f}" if value % 1 else f"{value:,.0f}"
                told = f"{name} {' '.join(named(kind))}: {amount}"
                bars.append(Box(pitch * (place + 0.1), y, pitch * 0.8, tall, kind, told))
    every = math.ceil(len(names) / 12)
    across = [Tick(pitch * (n + 0.5), names[n]) for n in range(0, len(names), every)]
    up = [Tick(height * (1 - part / 4), f"{top * part / 4:,.6g}") for part in range(5)]
    return Chart(width, height, tuple(bars), tuple(across), tuple(up))


def _ceiling(value: float) -> float:
    """The next number whose quarters are round."""
    if value <= 0:
        return 4.0
    power = 10.0 ** math.floor(math.log10(value))
    return max(4.0, next(m * power for m in (1, 2, 4, 6, 8, 10) if m * power >= value))
