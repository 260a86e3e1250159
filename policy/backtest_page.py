"""The backtest as one HTML page with a picture of who moves where."""

from collections.abc import Mapping
from importlib import resources
from typing import Any

from jinja2 import Environment, StrictUndefined

from labels.results import Version
from policy.floors import STEPS

_HEIGHT, _GAP = 360.0, 14.0
_COLOURS = {"same": "#9a9a9a", "harsher": "#b4532a", "milder": "#2f6f4f"}


def page(report: Mapping[str, Any], old: Version, new: Version) -> str:
    """HTML, Chinese first; ``report`` is that of :func:`policy.backtest.report`."""
    template = resources.files("policy").joinpath("backtest.html").read_text("utf-8")
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    return environment.from_string(template).render(
        report=report, old=old, new=new, steps=STEPS, flow=flow(report["moves"])
    )


def flow(moves: list[dict[str, Any]]) -> dict[str, Any]:
    """Where the bands of a flow picture run; each is as wide as it has cases.

    ``moves`` are those of the report. ``kind`` of a band is ``same``, ``harsher`` or ``milder``.
    """
    whole = max(1, sum(move["cases"] for move in moves))
    unit = _HEIGHT / whole
    nodes = [node for side in ("old", "new") for node in _nodes(moves, side, unit)]
    tops = {(node["side"], node["step"]): node["y"] for node in nodes}
    bands = []
    for move in moves:
        width = move["cases"] * unit
        was, now = STEPS.index(move["old"]), STEPS.index(move["new"])
        kind = "same" if was == now else "harsher" if now > was else "milder"
        bands.append(
            {
                **move,
                "from": tops["old", move["old"]],
                "to": tops["new", move["new"]],
                "width": width,
                "kind": kind,
                "colour": _COLOURS[kind],
            }
        )
        tops["old", move["old"]] += width
        tops["new", move["new"]] += width
    return {"nodes": nodes, "bands": bands, "height": _HEIGHT + _GAP * len(STEPS)}


def _nodes(moves: list[dict[str, Any]], side: str, unit: float) -> list[dict[str, Any]]:
    found, top = [], 0.0
    for step in STEPS:
        cases = sum(move["cases"] for move in moves if move[side] == step)
        if cases:
            height = cases * unit
            found.append({"side": side, "step": step, "cases": cases, "y": top, "height": height})
            top += height + _GAP
    return found
