"""YAML files into frozen pydantic models; every fault is told with its line."""

import reprlib
from collections.abc import Hashable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError
from yaml.events import AliasEvent
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from labels.errors import ConfigError

#: faults that are told at once; each looks its line up
_MAX_FAULTS = 100

M = TypeVar("M", bound=BaseModel)


class Strict(BaseModel):
    """Unknown keys are faults, strings are not numbers, and nothing changes later."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class _Loader(yaml.SafeLoader):
    """``SafeLoader`` that refuses equal keys, of which PyYAML silently keeps the last."""

    def construct_mapping(self, node: MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        first: dict[str, int] = {}
        for key, _ in node.value:
            line = key.start_mark.line + 1
            if not isinstance(key, ScalarNode):
                raise ConfigError(f"{line}: a key is a list or a mapping", remedy="use plain names")
            if key.value in first:
                raise ConfigError(
                    f"{line}: key {key.value!r} is already on line {first[key.value]}",
                    remedy="keep one of them",
                )
            first[key.value] = line
        return super().construct_mapping(node, deep)

    def compose_node(self, parent: Node | None, index: int) -> Node | None:
        if self.check_event(AliasEvent):
            line = self.peek_event().start_mark.line + 1  # type: ignore[no-untyped-call]
            raise ConfigError(f"{line}: aliases are not read", remedy="write the value out")
        return super().compose_node(parent, index)


def load_yaml(text: str, model: type[M], *, name: str) -> M:
    """The model described by a YAML text.

    Args:
        text: the content of the file.
        model: a pydantic model; its own faults are reported by line.
        name: how messages call the file.

    Raises:
        ConfigError: listing all faults, each as ``NAME:LINE: dotted.path: what (value); remedy``.
    """
    try:
        loader = _Loader(text)
        try:
            node = loader.get_single_node()
            data = loader.construct_document(node) if node else None
        finally:
            loader.dispose()
    except ConfigError as error:
        raise ConfigError(f"{name}:{error}") from None
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        # PyYAML's constructors raise them for dates and numbers that are none
        raise ConfigError(f"{name}: not YAML: {error}") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark else 1
        problem = getattr(error, "problem", None) or str(error)
        raise ConfigError(f"{name}:{line}: not YAML: {problem}") from None
    try:
        return model.model_validate(data)
    except ValidationError as error:
        found = error.errors()
        faults = [_fault(name, node, fault) for fault in found[:_MAX_FAULTS]]
        if len(found) > _MAX_FAULTS:
            faults.append(f"{name}: and {len(found) - _MAX_FAULTS} more")
        raise ConfigError("\n".join(faults)) from None


def read_yaml(path: Path, model: type[M]) -> M:
    """The model described by a YAML file (UTF-8); ``ConfigError`` as in :func:`load_yaml`."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read: {error}") from None
    return load_yaml(text, model, name=str(path))


_REMEDIES = {
    "extra_forbidden": "remove it or mend its spelling",
    "missing": "add it",
    "literal_error": "use one of the values named",
    "enum": "use one of the values named",
}


def _fault(name: str, root: Node | None, fault: Any) -> str:
    where = ".".join(str(part) for part in fault["loc"]) or "file"
    line = _line(root, fault["loc"])
    value = "" if fault["type"] == "missing" else f" (found {reprlib.repr(fault['input']):.60})"
    remedy = _REMEDIES.get(fault["type"], "change the value")
    message = fault["msg"].removeprefix("Value error, ")
    return f"{name}:{line}: {where}: {message}{value}; {remedy}"


def _line(root: Node | None, loc: Sequence[int | str]) -> int:
    """The line of the deepest node on the path ``loc`` that exists in the file."""
    node, line = root, 1
    for part in loc:
        found = _child(node, part)
        if found is None:
            break
        node, line = found
    return line


def _child(node: Node | None, part: int | str) -> tuple[Node, int] | None:
    if isinstance(node, MappingNode):
        for key, value in node.value:
            if isinstance(key, ScalarNode) and key.value == str(part):
                return value, key.start_mark.line + 1
    if isinstance(node, SequenceNode) and isinstance(part, int) and part < len(node.value):
        return node.value[part], node.value[part].start_mark.line + 1
    return None
