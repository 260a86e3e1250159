"""The report as one HTML page that needs nothing from outside."""

from importlib import resources
from typing import Any

import numpy as np
from jinja2 import Environment, StrictUndefined

from classifiers.bundle import Manifest


def page(report: dict[str, Any], manifest: Manifest, versions: dict[str, Any]) -> str:
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
