"""The command ``mingbian``: the one place that knows all packages, each loaded when called."""

import gc
import importlib
import sys
from pathlib import Path

import click

from labels.errors import MingbianError

#: name: (where it lives, the extra it needs, one line of help)
_COMMANDS = {
    "audit": ("serving.audit.commands:audit", "audit", "Audit files of posts."),
    "corpus": ("training.corpus_commands:corpus", "train", "Check and audit the labelled corpus."),
    "evaluate": ("training.evaluate_commands:evaluate", "train", "Test a model."),
    "gates": ("training.retrain_commands:gates", "train", "Hold a candidate against the champion."),
    "keys": ("serving.admin_commands:keys", "", "Issue, list and revoke keys."),
    "labels": ("serving.label_commands:labels", "", "Verdicts of people as labels to learn from."),
    "models": ("serving.model_commands:models", "", "Add, release and roll back models."),
    "policy": ("policy.commands:policy", "", "Check, compare, try and backtest policy packs."),
    "precheck": ("serving.commands:precheck", "", "Say what posts lack before publishing."),
    "retrain": ("training.retrain_commands:retrain", "train", "From label events to a candidate."),
    "score": ("serving.commands:score", "", "Score posts from a file."),
    "serve": ("serving.serve_command:serve", "", "Run the API on this machine."),
    "store": ("serving.admin_commands:store", "", "Verify, back up, restore and purge the store."),
    "train": ("training.commands:train", "train", "Train a model and export it as a bundle."),
    "users": ("serving.admin_commands:users", "", "Add and disable who may ask."),
    "watch": (
        "serving.watch.commands:watch",
        "",
        "Weekly: drift, precision, alarms on many accounts.",
    ),
}


class _Lazy(click.Group):
    """Commands that import their package only when they run, or show their own help."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        target, extra, _ = _COMMANDS[cmd_name]
        module, _, attribute = target.partition(":")
        gc.disable()  # what loading makes is kept: to look for garbage in it takes a tenth of it
        try:
            command: click.Command = getattr(importlib.import_module(module), attribute)
        except ModuleNotFoundError as error:
            if not extra:
                raise
            raise click.ClickException(
                f"`mingbian {cmd_name}` needs {error.name}; pip install 'mingbian[{extra}]'"
            ) from None
        finally:
            gc.enable()
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, _COMMANDS[name][2]) for name in self.list_commands(ctx)])


@click.group(cls=_Lazy)
@click.version_option(package_name="mingbian")
@click.pass_context
def cli(context: click.Context) -> None:
    """明辨: scores Chinese posts for misinformation and proposes what a moderator may do."""
    context.obj = _default_model


def _default_model() -> Path:
    """For commands whose package must not know where models lie."""
    return Path(importlib.import_module("classifiers.bundle").default_model_folder())


def check_packages() -> None:
    """Refuse to run beside a stranger's package of the same import name.

    Names such as ``labels`` and ``policy`` exist on PyPI; installed over ours they would be
    loaded in silence.
    """
    for name in ("labels", "classifiers", "policy", "training", "serving"):
        found = importlib.import_module(name)
        if getattr(found, "DISTRIBUTION", None) != "mingbian":
            raise MingbianError(
                f"import {name} finds {found.__file__}, which is not of mingbian",
                remedy=f"uninstall the other distribution that brings {name}",
            )


def main() -> None:
    """Run the command line: exit 0 done, 1 our fault, 2 the user can mend it."""
    try:
        check_packages()
        cli()
    except MingbianError as error:
        click.echo(f"mingbian: {error}", err=True)
        sys.exit(error.exit_status)
