"""What screening found, as a page and files for the people who settle it."""

import json
from importlib import resources
from pathlib import Path

from jinja2 import Environment, StrictUndefined

from labels.label_studio import interface, tasks
from labels.release import QUALITY
from training.label_quality.screen import Screened


def write_quality(out: Path, found: Screened) -> None:
    """``quality.html`` and ``quality.json``; ``doubts.json`` holds Label Studio tasks.

    Answered, the tasks come back with ``mingbian labels import``; ``doubts.xml`` is their
    interface.
    """
    text = json.dumps(found.report, ensure_ascii=False, indent=1)
    (out / QUALITY).write_text(text + "\n", encoding="utf-8")
    asked = list(tasks(doubt.event for doubt in found.doubts))
    (out / "doubts.json").write_text(json.dumps(asked, ensure_ascii=False), encoding="utf-8")
    (out / "doubts.xml").write_text(interface(), encoding="utf-8")
    (out / "quality.html").write_text(_page(found), encoding="utf-8")


def _page(found: Screened) -> str:
    template = resources.files("training.label_quality").joinpath("page.html")
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    return environment.from_string(template.read_text("utf-8")).render(
        report=found.report, doubts=found.doubts
    )
