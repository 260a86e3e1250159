"""What a reviewer filled in, as the verdicts that the API takes."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, TypeVar

from pydantic import BaseModel, TypeAdapter, ValidationError

from labels.cases import Findings
from serving.console.visit import Form
from serving.refusal import UnprocessableError
from serving.shapes import Answer, Decide, Second, Verdict

#: pieces of evidence that the form has room for
EVIDENCE_ROWS = 6
_MAX = {"link": 2_000, "number": 300, "quote": 1_000}
_REASONS = {"reason", "reasons"}
_LINK = re.compile(r"https?://[^\s]+")
_Shape = TypeVar("_Shape", bound=BaseModel)
_verdict: TypeAdapter[Decide | Second | Answer] = TypeAdapter(Verdict)


@dataclass(frozen=True, slots=True)
class Evidence:
    """One reference: where it is, what it says, and when somebody looked."""

    clause: str
    link: str
    number: str
    quote: str
    retrieved: str
    of_account: bool

    def line(self) -> str:
        """As findings keep it and the account's owner reads it."""
        parts = [self.number, self.link, f"“{self.quote}”" if self.quote else ""]
        told = " ".join(part for part in parts if part)
        clause = f"[{self.clause}] " if self.clause else ""
        return f"{clause}{told}（{self.retrieved}）"


def filled(shape: type[_Shape], **fields: Any) -> _Shape:
    """A request as the API takes it, from what was filled in.

    Raises:
        UnprocessableError: something is missing or is none of what may be chosen.
    """
    try:
        return shape.model_validate(fields)
    except ValidationError as error:
        raise _told(error) from None


def verdict_of(form: Form) -> Decide | Second | Answer:
    """The verdict of a form.

    Raises:
        UnprocessableError: something is missing or is none of what may be chosen; ``pointer``
            leads to it.
    """
    said: dict[str, Any] = {"verdict": form.one("verdict"), "reasons": form.one("reasons")}
    if said["verdict"] == "decide":
        said |= {"step": form.one("step"), "findings": _findings(form)}
    try:
        return _verdict.validate_python(said)
    except ValidationError as error:
        raise _told(error) from None


def findings_of(form: Form) -> Findings:
    """What was found so far; raises as :func:`verdict_of`."""
    try:
        return Findings.model_validate(_findings(form), strict=False)
    except ValidationError as error:
        raise _told(error) from None


def evidence_of(form: Form) -> Iterator[Evidence]:
    """The rows in which something was filled in.

    Raises:
        UnprocessableError: a link that is none, no or an impossible day, or too much.
    """
    for place in range(EVIDENCE_ROWS):
        given = {
            name: form.one(f"{name}_{place}")
            for name in ("clause", "link", "number", "quote", "retrieved")
        }
        if any(given[name] for name in _MAX):
            _check(given, place)
            yield Evidence(**given, of_account=form.has(f"account_{place}", "1"))


def _findings(form: Form) -> Mapping[str, Any]:
    rows = list(evidence_of(form))
    return {
        "clauses": form.all("clauses"),
        "claim_status": form.one("claim_status"),
        "evidence": [row.line() for row in rows],
        "account_evidence": [row.line() for row in rows if row.of_account],
        "intent": form.has("intent", "1"),
        "sentence": form.one("sentence") or None,
        "protected": form.all("protected"),
        "forwarded": form.has("forwarded", "1"),
        "aggravators": form.all("aggravators"),
        "mitigators": form.all("mitigators"),
        "closure": form.has("closure", "1"),
    }


def _check(given: Mapping[str, str], place: int) -> None:
    for name, most in _MAX.items():
        if len(given[name]) > most:
            raise _refused(f"{name}_{place}", f"has {len(given[name])} characters, {most} at most")
    if given["link"] and not _LINK.fullmatch(given["link"]):
        told = "is no link that begins with https:// or http://"
        raise _refused(f"link_{place}", told, "link_invalid")
    try:
        date.fromisoformat(given["retrieved"])
    except ValueError:
        told = "is no day; evidence says when it was seen"
        raise _refused(f"retrieved_{place}", told, "day_missing") from None


def _told(error: ValidationError) -> UnprocessableError:
    fault = error.errors()[0]
    path = "/".join(str(part) for part in fault["loc"])
    code = "reasons_missing" if path.rpartition("/")[2] in _REASONS else "invalid_request"
    return _refused(path, str(fault["msg"]), code)


def _refused(field: str, what: str, code: str = "invalid_request") -> UnprocessableError:
    return UnprocessableError(code, f"{field}: {what}", pointer=f"/{field}")
