"""YAML and JSON from outside as plain data, with the line of each part. Nothing in it can call, name or blow up.

Only what a taxonomy needs is read: objects, lists, texts, numbers, yes and no. Aliases, tags of YAML's own, keys that
occur twice and deep nesting are refused before anything is built.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import yaml

from evalhub.errors import EvalHubError

MOST_BYTES = 256 * 1024
DEEPEST = 24
"""Levels of nesting; four levels of types need ten."""
MOST_FAULTS_SHOWN = 12
PLAIN = {"null", "bool", "int", "float", "str", "seq", "map", "timestamp"}
NEWLINES = "\n\r\x85\u2028\u2029"

# libyaml where it is there: the same events, twenty times as fast.
Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

Path = tuple[str | int, ...]


class DocumentError(EvalHubError):
    """The file cannot be read as a taxonomy. ``faults``: one sentence for each."""

    def __init__(self, *faults: str) -> None:
        self.faults = faults
        shown = list(faults[:MOST_FAULTS_SHOWN])
        if len(faults) > MOST_FAULTS_SHOWN:
            shown.append(f"And {len(faults) - MOST_FAULTS_SHOWN} more.")
        super().__init__(" ".join(shown))
        self.shown = shown


@dataclass(frozen=True)
class Document:
    """``data`` as Python has it; ``lines``: the line of each part by its path, from 1. JSON has no lines."""

    data: Any
    lines: dict[Path, int] = field(default_factory=dict)

    def place(self, path: Path) -> str:
        """Where it stands, in words: “Line 7, types[2].severity”."""
        said = said_path(path)
        line = self.lines.get(path)
        return f"Line {line}, {said}" if line and said else f"Line {line}" if line else said or "The file"


def said_path(path: Path) -> str:
    said = ""
    for part in path:
        said += f"[{part}]" if isinstance(part, int) else f".{part}" if said else part
    return said


def read_document(content: bytes, name: str = "") -> Document:
    """Read a file. JSON by its first character or its name, else YAML. Raises DocumentError."""
    if len(content) > MOST_BYTES:
        raise DocumentError(
            f"The file has {len(content) / 1000:,.0f} kB, and a taxonomy has at most {MOST_BYTES // 1024} kB. "
            "Choose the right file."
        )
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise DocumentError(f"Line {line} is not in UTF-8. Save the file as UTF-8.") from error
    if not text.strip():
        raise DocumentError("The file is empty. Choose a file that was exported here, or write one like it.")
    if name.lower().endswith(".json") or text.lstrip().startswith("{"):
        return Document(read_json(text))
    return read_yaml(text)


def read_json(text: str) -> Any:
    refuse_deep_json(text)
    try:
        return json.loads(text, object_pairs_hook=object_once, parse_constant=refuse_constant)
    except json.JSONDecodeError as error:
        raise DocumentError(f"Line {error.lineno}, column {error.colno}: this is not JSON ({error.msg}).") from error
    except ValueError as error:  # a number of thousands of digits
        raise DocumentError("A number in the file is too long. A taxonomy has no numbers.") from error


def refuse_deep_json(text: str) -> None:
    depth, is_text, is_escaped = 0, False, False
    for place, character in enumerate(text):
        if is_text:
            is_escaped, is_text = character == "\\" and not is_escaped, character != '"' or is_escaped
        elif character == '"':
            is_text = True
        elif character in "[{":
            depth += 1
            if depth > DEEPEST:
                raise DocumentError(
                    f"Line {text.count(chr(10), 0, place) + 1}: this is nested more than {DEEPEST} levels deep. "
                    "A taxonomy is not."
                )
        elif character in "]}":
            depth -= 1


def object_once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise DocumentError(f"“{twice[:60]}” occurs twice in one object. Keep one of them.")
    return found


def refuse_constant(name: str) -> Any:
    raise DocumentError(f"{name} is no value of JSON. Write a text in quotes.")


def read_yaml(text: str) -> Document:
    try:
        refuse_what_is_not_plain(text)
        # Every event was looked at: this builds plain data only.
        node = yaml.compose(text, Loader=Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = f"Line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        raise DocumentError(f"{line}this is not YAML ({error.problem or error.context}).") from error
    except yaml.YAMLError as error:
        raise DocumentError("The file holds characters that YAML does not allow. Save it as plain text.") from error
    lines: dict[Path, int] = {}
    return Document(value_of(node, (), lines), lines)


def refuse_what_is_not_plain(text: str) -> None:
    depth = documents = 0
    for event in yaml.parse(text, Loader=Loader):
        line = event.start_mark.line + 1 if event.start_mark else 1
        if isinstance(event, yaml.DocumentStartEvent):
            documents += 1
            if documents > 1:
                raise DocumentError(f"Line {line}: a second document begins here. Keep one.")
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise DocumentError(f"Line {line}: anchors and aliases (& and *) are not read. Write it out.")
        if isinstance(event, yaml.NodeEvent) and not isinstance(event, yaml.AliasEvent):
            tag = getattr(event, "tag", None)
            if tag and tag != "!":
                raise DocumentError(f"Line {line}: the tag {tag[:60]} is not read. Leave it out.")
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > DEEPEST:
                raise DocumentError(f"Line {line}: this is nested more than {DEEPEST} levels deep. A taxonomy is not.")
        if isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


def value_of(node: Any, path: Path, lines: dict[Path, int]) -> Any:
    lines[path] = node.start_mark.line + 1
    if isinstance(node, yaml.SequenceNode):
        return [value_of(each, (*path, place), lines) for place, each in enumerate(node.value)]
    if isinstance(node, yaml.MappingNode):
        return dict(members_of(node, path, lines))
    kind = node.tag.rpartition(":")[2]
    if kind not in PLAIN:
        raise DocumentError(f"Line {lines[path]}: “{node.value[:60]}” is not read. Put it in quotes if it is a text.")
    if kind == "null":
        return None
    if kind == "bool":
        return node.value.lower() in {"yes", "true", "on"}
    # Numbers and dates are of no use here: as they are spelled, told apart from texts.
    return node.value if kind == "str" else NotText(node.value)


class NotText(str):
    """What YAML takes for a number or a date, as it is spelled."""

    __slots__ = ()


def members_of(node: Any, path: Path, lines: dict[Path, int]) -> Iterator[tuple[str, Any]]:
    seen: set[str] = set()
    for key_node, value_node in node.value:
        line = key_node.start_mark.line + 1
        if not isinstance(key_node, yaml.ScalarNode):
            raise DocumentError(f"Line {line}: the name of a field must be a text.")
        key = key_node.value
        if key in seen:
            raise DocumentError(f"Line {line}: “{key[:60]}” occurs twice here. Keep one of them.")
        seen.add(key)
        yield key, value_of(value_node, (*path, key), lines)
        lines[(*path, key)] = line
