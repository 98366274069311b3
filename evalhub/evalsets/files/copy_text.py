r"""PostgreSQL's COPY text format: a line a row, tabs between columns, ``\N`` for NULL.

A raw newline stands only at the end of a row, so the import can cut the file into lines and put foreign keys first.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

NULL = rb"\N"


def escape(value: bytes) -> bytes:
    """Return one value as COPY text. The value must not hold NUL, which PostgreSQL cannot store."""
    value = value.replace(b"\\", b"\\\\")
    if b"\t" in value or b"\n" in value or b"\r" in value:
        value = value.replace(b"\t", rb"\t").replace(b"\n", rb"\n").replace(b"\r", rb"\r")
    return value


def escape_json(value: bytes) -> bytes:
    """Return compact JSON as COPY text: it has no raw control characters, only backslashes."""
    return value.replace(b"\\", b"\\\\")


def escape_text(value: str) -> bytes:
    return escape(value.encode())


def text_array(values: Sequence[str]) -> bytes:
    """Return a ``text[]`` value as COPY text. Every element is quoted, so NULL and empty strings stay what they are."""
    if not values:
        return b"{}"
    if any("\\" in value or '"' in value for value in values):
        values = [value.replace("\\", "\\\\").replace('"', '\\"') for value in values]
    return escape(('{"' + '","'.join(values) + '"}').encode())


def bytea(value: bytes) -> bytes:
    return rb"\\x" + value.hex().encode()


def optional(value: object) -> bytes:
    """Return a number, or anything whose text needs no escaping; None is NULL."""
    return NULL if value is None else str(value).encode()


def join_row(values: Iterable[bytes]) -> bytes:
    return b"\t".join(values) + b"\n"
