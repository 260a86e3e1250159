"""What an engine is loaded from, as options of a command."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Any

import click

from classifiers.bundle import default_model_folder
from classifiers.cache import ScoreCache
from classifiers.scorer import load_scorer
from policy.pack import LoadedPack, default_pack_path, load_pack
from serving.engine import Engine


@dataclass(frozen=True, slots=True)
class Loading:
    """What an engine is loaded from."""

    model: Path
    policy: Path
    threads: int

    def engine(
        self, candidate: LoadedPack | None = None, cache: ScoreCache | None = None
    ) -> Engine:
        """Load it, with a candidate pack and a cache of scores; say which levels are off."""
        scorer = load_scorer(self.model, threads=self.threads, cache=cache)
        engine = Engine(scorer, load_pack(self.policy), candidate)
        for warning in engine.warnings:
            click.echo(f"{self.policy}: {warning}: no threshold of the model reaches it", err=True)
        return engine


def engine_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds the options that tell an engine; the command gets them as ``loading``."""

    @wraps(command)
    def with_loading(*, model: Path, policy: Path, threads: int, **others: Any) -> Any:
        return command(loading=Loading(model, policy, threads), **others)

    decorated: Callable[..., Any] = with_loading
    for option in (
        click.option(
            "--threads",
            type=click.IntRange(1, 256),
            default=os.cpu_count() or 1,
            show_default="cores",
            help="Posts scored at the same time; scores do not depend on it.",
        ),
        click.option(
            "--policy",
            type=click.Path(exists=True, dir_okay=False, path_type=Path),
            default=default_pack_path,
            show_default="cn-zimeiti",
            help="Policy pack (YAML).",
        ),
        click.option(
            "--model",
            type=click.Path(exists=True, file_okay=False, path_type=Path),
            default=default_model_folder,
            show_default="the model in the package",
            help="Folder of a model bundle.",
        ),
    ):
        decorated = option(decorated)
    return decorated
