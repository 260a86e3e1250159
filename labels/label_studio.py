"""Label events as Label Studio tasks and back (https://labelstud.io/guide/task_format).

A task shows title, text and the account's face; its answers are choices named by clause and by
protected class. The event that a task came from rides along, so that nothing of it is lost.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from pydantic import ValidationError

from labels.errors import InputError
from labels.label_events import LABEL_EVENT, WEIGHTS, LabelEvent, Origin
from labels.samples import Verdict
from labels.taxonomy import taxonomy

#: names of the controls in a labelling interface
_VERDICT, _CLAUSES, _PROTECTED = "verdict", "clauses", "protected"
_NAMES = (_VERDICT, _CLAUSES, _PROTECTED)


def interface() -> str:
    """The labelling interface (XML) that these tasks are made for."""
    verdicts = "".join(f'<Choice value="{each.value}"/>' for each in Verdict)
    clauses = "".join(
        f'<Choice value="{number}" hint="{clause.zh}"/>'
        for number, clause in taxonomy().clauses.items()
    )
    protected = "".join(
        f'<Choice value="{code}" hint="{entry.zh}"/>'
        for code, entry in taxonomy().protected.items()
    )
    return (
        '<View><Header value="$face"/><Header value="$title"/><Text name="text" value="$text"/>'
        f'<Choices name="{_VERDICT}" toName="text" choice="single" required="true">{verdicts}'
        f'</Choices><Choices name="{_CLAUSES}" toName="text" choice="multiple">{clauses}</Choices>'
        f'<Choices name="{_PROTECTED}" toName="text" choice="multiple">{protected}</Choices></View>'
    )


def tasks(events: Iterable[LabelEvent]) -> Iterator[dict[str, Any]]:
    """A task an event, with its finding as a prediction to start from."""
    for event in events:
        author = event.post.author
        face = (author.display_name, author.verified_as, author.bio) if author else ()
        yield {
            "data": {
                "title": event.post.title or "",
                "text": event.post.text or "",
                "face": " · ".join(part for part in face if part),
                "event": LABEL_EVENT.dump_python(event, mode="json"),
            },
            "predictions": [{"model_version": event.origin.value, "result": _result(event)}],
        }


def answers(found: Iterable[Mapping[str, Any]], origin: Origin) -> Iterator[LabelEvent]:
    """What annotators said of tasks, each annotation an event of its own.

    Args:
        found: tasks as Label Studio exports them (JSON).
        origin: what their word counts as.

    Raises:
        InputError: a task is none of ours, or an answer is no finding.
    """
    for place, task in enumerate(found):
        for annotation in task.get("annotations", ()):
            if annotation.get("was_cancelled"):
                continue
            try:
                yield _event(task["data"]["event"], annotation, origin)
            except (ValidationError, KeyError, TypeError, ValueError) as error:
                raise InputError(f"task {place}: no answer of ours: {error}") from None


def _event(base: Mapping[str, Any], annotation: Mapping[str, Any], origin: Origin) -> LabelEvent:
    chosen = {
        each["from_name"]: each["value"]["choices"]
        for each in annotation["result"]
        if each["from_name"] in _NAMES
    }
    told = {
        **base,
        "event_id": f"{base['event_id']}.label_studio.{annotation['id']}",
        "at": datetime.fromisoformat(annotation["created_at"]).isoformat(),
        "origin": origin.value,
        "annotator": _who(annotation["completed_by"]),
        "verdict": chosen[_VERDICT][0],
        "clauses": tuple(chosen.get(_CLAUSES, ())),
        "protected": tuple(chosen.get(_PROTECTED, ())),
        "sentence": None,
        "weight": WEIGHTS[origin],
    }
    return LABEL_EVENT.validate_python(told, strict=False)


def _who(completed_by: Any) -> str:
    """Label Studio gives a number or, in full exports, a person."""
    return str(completed_by["email"] if isinstance(completed_by, Mapping) else completed_by)


def _result(event: LabelEvent) -> list[dict[str, Any]]:
    chosen = {
        _VERDICT: [event.verdict.value],
        _CLAUSES: list(event.clauses),
        _PROTECTED: list(event.protected),
    }
    return [
        {"from_name": name, "to_name": "text", "type": "choices", "value": {"choices": choices}}
        for name, choices in chosen.items()
        if choices
    ]
