"""What cascade.py measured, for docs/performance.md."""

from typing import Any

from page import about, paragraph, percent, table
from picture import NAMES

_NAMES = NAMES | {"without": "mingbian without cascade", "with": "mingbian with cascade"}


def cascade_block(report: dict[str, Any]) -> str:
    """Posts a second beside the pipeline, on mostly ordinary posts."""
    told = paragraph(
        f"Measured: {about(report)}, {report['characters_a_post']:.0f} characters each. Of these",
        f"{percent(report['ordinary'])} are ordinary ({report['ordinary_posts']}), the others",
        "violations of the corpus; the model learned from none of them. The first stage clears",
        f"{percent(report['cleared'], 1)} of all.",
    )
    rows = [_row(name, report) for name in report["posts_per_second"]]
    return f"{told}\n\n{table(['', 'posts/s', 'times (a)'], rows)}"


def _row(name: str, report: dict[str, Any]) -> list[str]:
    times = report["over_pipeline"].get(name, 1)
    return [
        _NAMES[name].replace("\n", " "),
        f"{report['posts_per_second'][name]:.1f}",
        f"{times:.1f}",
    ]
