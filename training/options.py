"""Options that several training commands share."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from labels.dataset import corpus_folder

corpus_option = click.option(
    "--corpus",
    "folder",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=corpus_folder,
    show_default="the corpus in the package",
    help="Folder of labelled posts, one JSONL file a writer.",
)

data_option = click.option(
    "--data-dir",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Folder of public data sets to use too; without it, the corpus alone.",
)

licensed_option = click.option(
    "--licensed",
    is_flag=True,
    help="Of the public data sets, only those under an express licence.",
)

jobs_option = click.option(
    "--jobs",
    type=click.IntRange(1),
    default=os.cpu_count() or 1,
    show_default="cores",
    help="Heads learned at the same time.",
)


def config_option(default: str) -> Callable[[Any], Any]:
    """``--config`` with the path of its usual file."""
    return click.option(
        "--config",
        "config_path",
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        default=Path(default),
        show_default=True,
    )


def quiet() -> None:
    """No progress bars but our own."""
    from transformers.utils import logging  # noqa: PLC0415  torch takes seconds to load

    logging.set_verbosity_error()
    logging.disable_progress_bar()
