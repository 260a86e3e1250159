"""The measured blocks of docs/performance.md, so that no figure is copied by hand."""

import re
import textwrap
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"
DOCS = Path(__file__).parents[1] / "docs"


def fill(page: Path, name: str, block: str) -> None:
    """Replace what stands between ``<!-- name -->`` and ``<!-- /name -->``.

    Raises:
        ValueError: the page has no such place, or several.
    """
    before, after = f"<!-- {name} -->", f"<!-- /{name} -->"
    text = page.read_text(encoding="utf-8")
    place = re.compile(f"{re.escape(before)}.*?{re.escape(after)}", re.DOTALL)
    filled, times = place.subn(lambda _: f"{before}\n{block}\n{after}", text)
    if times != 1:
        raise ValueError(f"{page}: {before} … {after} stands there {times} times; write it once")
    page.write_text(filled, encoding="utf-8")


def table(head: list[str], rows: list[list[str]]) -> str:
    """In Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def paragraph(*sentences: str) -> str:
    """In lines of the page's width."""
    return textwrap.fill(" ".join(sentences), 100, break_on_hyphens=False, break_long_words=False)


def percent(share: float, digits: int = 0) -> str:
    """As the page writes it."""
    return f"{100 * share:.{digits}f} %"


def about(report: dict[str, Any]) -> str:
    """Model, machine and number of posts of a report that begins with its conditions."""
    on = report["machine"]
    return (
        f"model {report['model']['version']}, {report['date']}, {on['cores']} cores of "
        f"{on['processor']} ({on['instructions']}), {report['posts']:,} posts"
    )
