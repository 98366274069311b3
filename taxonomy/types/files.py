"""A taxonomy as a file, in YAML or JSON, and back: what is written is read again exactly."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import yaml
from django.utils.text import slugify

from taxonomy.models import Severity
from taxonomy.tree import in_tree_order
from taxonomy.types.documents import Document, DocumentError, NotText, Path, read_document
from taxonomy.types.planning import DEEPEST, LONGEST_CODE, LONGEST_NAME, LONGEST_TEXT, MOST_TYPES, Types
from taxonomy.types.taking_in import Wanted

FORMAT = "evalhub taxonomy 1"
TOP = ("format", "title", "about", "types")
FIELDS = ("code", "name", "severity", "definition", "not_this_if", "owner", "retired", "merged_into", "types")


@dataclass(frozen=True)
class FileType:
    """An error type as the file has it; ``owner`` is an e-mail address, ``parent`` and ``merged_into`` are codes."""

    code: str
    name: str
    definition: str
    not_this_if: str
    severity: str
    owner: str
    parent: str
    is_retired: bool
    merged_into: str
    place: str


@dataclass(frozen=True)
class TaxonomyFile:
    title: str
    about: str
    types: tuple[FileType, ...]


def as_data(types: Types, owners: Mapping[int, str]) -> dict[str, Any]:
    """Nested as the tree is. ``owners``: e-mail addresses by key. What is empty is left out."""
    ordered = sorted(types.values(), key=lambda each: (each.position, each.pk))
    nested: dict[int | None, list[dict[str, Any]]] = {}
    codes = {each.pk: each.code for each in ordered}
    parents = {each.pk: each.parent for each in ordered}
    for key, _ in in_tree_order(parents, [each.pk for each in ordered]):
        each = types[key]
        row = {
            "code": each.code,
            "name": each.name,
            "severity": each.severity,
            "definition": each.definition,
            "not_this_if": each.not_this_if,
            "owner": owners.get(each.owner or 0, ""),
            "retired": each.is_retired,
            "merged_into": codes.get(each.merged_into or 0, ""),
        }
        row = {name: value for name, value in row.items() if value}
        nested.setdefault(each.parent if each.parent in types else None, []).append(row)
        row["types"] = nested.setdefault(key, [])
    for rows in nested.values():
        for row in rows:
            if not row["types"]:
                del row["types"]
    return {"format": FORMAT, "types": nested.get(None, [])}


def as_yaml(types: Types, owners: Mapping[int, str]) -> str:
    return str(yaml.safe_dump(as_data(types, owners), sort_keys=False, allow_unicode=True, width=100))


def as_json(types: Types, owners: Mapping[int, str]) -> str:
    return json.dumps(as_data(types, owners), ensure_ascii=False, indent=2) + "\n"


def read_taxonomy(content: bytes, name: str = "") -> TaxonomyFile:
    """Read a file. Raises DocumentError with a sentence for each fault."""
    document = read_document(content, name)
    reader = Reader(document)
    found = reader.read()
    if reader.faults:
        raise DocumentError(*reader.faults)
    return found


@dataclass
class Reader:
    """Collects every fault of a document, so that one look at the list is enough to correct it."""

    document: Document
    faults: list[str] = field(default_factory=list)
    codes: dict[str, str] = field(default_factory=dict)

    def fault(self, path: Path, sentence: str) -> None:
        self.faults.append(f"{self.document.place(path)}: {sentence}")

    def read(self) -> TaxonomyFile:
        data = self.document.data
        if not isinstance(data, dict) or data.get("format") != FORMAT:
            raise DocumentError(f"This is no taxonomy: the file must begin with “format: {FORMAT}”.")
        self.refuse_others(data, TOP, ())
        title, about = self.text(data, "title", (), 200), self.text(data, "about", (), LONGEST_TEXT)
        types = tuple(self.types_in(data.get("types"), ("types",), "", 1))
        if not types and not self.faults:
            self.fault(("types",), "there is no error type. Add one.")
        if len(types) > MOST_TYPES:
            self.fault(("types",), f"there are {len(types)} error types. A project has at most {MOST_TYPES}.")
        for each in types:
            if each.merged_into and each.merged_into not in self.codes:
                self.faults.append(f"{each.place}: “merged_into” names “{each.merged_into}”, which is not in the file.")
        return TaxonomyFile(title, about, types)

    def refuse_others(self, row: Mapping[str, Any], known: Sequence[str], path: Path) -> None:
        for name in row:
            if name not in known:
                self.fault((*path, name), f"there is no field of this name. Use {', '.join(known)}.")

    def types_in(self, rows: Any, path: Path, parent: str, level: int) -> Iterator[FileType]:
        if not isinstance(rows, list):
            self.fault(path, "this must be a list of error types.")
            return
        if level > DEEPEST and rows:
            self.fault(path, f"a tree has at most {DEEPEST} levels. Move these higher up.")
            return
        for place, row in enumerate(rows):
            here = (*path, place)
            if not isinstance(row, dict):
                self.fault(here, "this must be an error type with a code and a name.")
                continue
            yield (found := self.type_in(row, here, parent))
            if row.get("types"):
                yield from self.types_in(row["types"], (*here, "types"), found.code, level + 1)

    def type_in(self, row: Mapping[str, Any], path: Path, parent: str) -> FileType:
        self.refuse_others(row, FIELDS, path)
        name = re.sub(r"\s+", " ", self.text(row, "name", path, LONGEST_NAME)).strip()
        if not name and "name" not in row:
            self.fault(path, "“name” is missing. Name the error type after what broke.")
        elif not name and isinstance(row["name"], str) and not isinstance(row["name"], NotText):
            self.fault((*path, "name"), "the name is empty. Name the error type after what broke.")
        merged_into = self.text(row, "merged_into", path, LONGEST_CODE)
        return FileType(
            code=self.code(row, path, name),
            name=name,
            definition=self.text(row, "definition", path, LONGEST_TEXT),
            not_this_if=self.text(row, "not_this_if", path, LONGEST_TEXT),
            severity=self.severity(row, path),
            owner=self.text(row, "owner", path, 254),
            parent=parent,
            is_retired=self.retired(row, path, merged_into),
            merged_into=merged_into,
            place=self.document.place(path),
        )

    def text(self, row: Mapping[str, Any], name: str, path: Path, most: int) -> str:
        value = row.get(name)
        here = (*path, name)
        if value is None:
            return ""
        if isinstance(value, NotText) or not isinstance(value, str):
            self.fault(here, "this must be a text. Put it in quotes.")
            return ""
        if len(value) > most:
            self.fault(here, f"this has {len(value):,} characters, and at most {most:,} fit. Shorten it.")
            return value[:most]
        if any(each == "\0" or unicodedata.category(each) == "Cs" for each in value):
            self.fault(here, "this holds a character that cannot be stored (zero, or half of one). Leave it out.")
        return value.strip()

    def code(self, row: Mapping[str, Any], path: Path, name: str) -> str:
        code = self.text(row, "code", path, LONGEST_CODE) or slugify(name).replace("-", "_")[:LONGEST_CODE]
        here = (*path, "code") if "code" in row else path
        if not code:
            if name:
                self.fault(here, "“code” is missing, and the name has no letters to make one of. Add one.")
            return ""
        if not re.fullmatch(r"[A-Za-z0-9_-]+", code):
            self.fault(here, f"the code “{code}” may have letters without accents, digits, “_” and “-” only.")
        if code in self.codes:
            self.fault(here, f"the code “{code}” is that of {self.codes[code]} too. Give each its own.")
        self.codes.setdefault(code, self.document.place(path))
        return code

    def severity(self, row: Mapping[str, Any], path: Path) -> str:
        value = self.text(row, "severity", path, 40) or str(Severity.MAJOR)
        if value not in Severity:
            self.fault((*path, "severity"), f"“{value}” is no severity. Use {', '.join(Severity.values)}.")
        return value

    def retired(self, row: Mapping[str, Any], path: Path, merged_into: str) -> bool:
        value = row.get("retired", False)
        if not isinstance(value, bool):
            self.fault((*path, "retired"), "this must be true or false.")
            return False
        if merged_into and not value:
            self.fault((*path, "merged_into"), "a type that is merged is retired too. Add “retired: true”.")
        return value


def wanted_from(found: TaxonomyFile, people: Mapping[str, int]) -> tuple[tuple[Wanted, ...], list[str]]:
    """The types with their owners by key, and a remark on each owner who is not among the ``people`` (by e-mail)."""
    wanted, remarks = [], []
    for each in found.types:
        owner = people.get(each.owner.lower()) if each.owner else None
        if each.owner and owner is None:
            remarks.append(f"{each.place}: {each.owner} is no member of this project. “{each.name}” gets no owner.")
        wanted.append(
            Wanted(
                code=each.code,
                name=each.name,
                definition=each.definition,
                not_this_if=each.not_this_if,
                severity=each.severity,
                owner=owner,
                parent=each.parent,
                is_retired=each.is_retired,
                merged_into=each.merged_into,
            )
        )
    return tuple(wanted), remarks
