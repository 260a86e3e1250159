"""A review sample into the queue of a server, passed posts too."""

from collections.abc import Iterable
from contextlib import closing
from datetime import UTC, datetime

from labels.errors import InputError
from labels.records import Post
from serving.admin_commands import open_store
from serving.audit.plan import Plan
from serving.audit.summary import Row
from serving.engine import Engine, Judged
from serving.keeping import account_of, keep_one
from serving.queue import has_case, open_case


def enqueue(sample: Iterable[tuple[Row, Post]], engine: Engine, store: str, plan: Plan) -> int:
    """Keep the decision on each post and ask for its review; how many there are.

    Args:
        sample: posts of the audit.
        engine: with the model and the pack of the audit.
        store: URL of the server's store.
        plan: of the audit.

    Raises:
        InputError: the engine is not the audit's.
    """
    audited = {"model": plan.model.model_dump(), "policy": plan.policy.model_dump()}
    if engine.versions != audited:
        raise InputError(
            f"the audit was made by {audited}, not by {engine.versions}",
            remedy="name its --model and --policy",
        )
    sampled = [post.model_dump_json() for _, post in sample]
    judged = [each for each in engine.judge(sampled) if isinstance(each, Judged)]
    with closing(open_store(store)) as database, database.write() as connection:
        for each in judged:
            at = datetime.now(UTC)
            decision_id = keep_one(connection, each, at)
            if not has_case(connection, decision_id):
                open_case(connection, decision_id, account_of(each.post), each.result, at)
    return len(judged)
