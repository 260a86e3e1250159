"""The report as one HTML page that needs nothing from outside."""

import json
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment, StrictUndefined

from classifiers.bundle import Bundle, Manifest


def write_report(
    out: Path, report: dict[str, Any], bundle: Bundle, versions: Mapping[str, Any]
) -> None:
    """``report.json`` and ``report.html`` into a folder; arguments as those of :func:`page`."""
    out.mkdir(parents=True, exist_ok=True)
    text = json.dumps({**versions, **report}, ensure_ascii=False, indent=1)
    (out / "report.json").write_text(text + "\n", encoding="utf-8")
    html = page(report, bundle.manifest, versions)
    (out / "report.html").write_text(html, encoding="utf-8")


def page(report: dict[str, Any], manifest: Manifest, versions: Mapping[str, Any]) -> str:
    """HTML, Chinese first.

    Args:
        report: of :func:`training.release.report.release_report`.
        manifest: of the bundle that was measured.
        versions: ``model`` and ``policy``, each with id, version and sha256.
    """
    template = resources.files("training.release").joinpath("page.html").read_text("utf-8")
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    caught = report["caught"].values()
    return environment.from_string(template).render(
        report=report,
        sources=[source.model_dump() for source in manifest.sources],
        caught=float(
            np.average([1 - c["pass"] for c in caught], weights=[c["rows"] for c in caught])
        ),
        **versions,
    )
