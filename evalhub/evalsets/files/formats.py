"""Which format a file has: by its first bytes, and by its name only where those leave it open."""

from __future__ import annotations

import enum
import re

import orjson

from evalhub.evalsets.files.encodings import UTF8_BOM, refuse_wide_text
from evalhub.evalsets.files.faults import UploadError

HEAD_BYTES = 1 << 18
ROW_LISTS = ("data", "examples", "rows", "samples", "items", "records")
"""Names under which a JSON object may hold its list of rows."""
TAKEN = "CSV, JSON, JSONL or Parquet"


class Format(enum.StrEnum):
    CSV = "CSV"
    JSON = "JSON"
    JSONL = "JSONL"
    PARQUET = "Parquet"


PARQUET_MARK = b"PAR1"
ZIP_MARK = b"PK\x03\x04"
FOREIGN = (
    (b"%PDF-", "a PDF document", "Export the table itself."),
    (b"\xd0\xcf\x11\xe0", "an old Excel or Word file", "Save the sheet as “CSV UTF-8”."),
    (b"\x28\xb5\x2f\xfd", "packed with Zstandard", "Unpack it, or pack it with gzip."),
    (b"BZh", "packed with bzip2", "Unpack it, or pack it with gzip."),
    (b"\xfd7zXZ", "packed with xz", "Unpack it, or pack it with gzip."),
    (b"7z\xbc\xaf", "a 7-Zip archive", "Unpack it, or pack it with gzip."),
    (b"Rar!", "a RAR archive", "Unpack it, or pack it with gzip."),
    (b"ARROW1", "an Arrow file", "Save it as Parquet."),
    (b"FEA1", "a Feather file", "Save it as Parquet."),
    (b"SQLite format 3", "an SQLite database", "Export the table itself."),
    (b"Obj\x01", "an Avro file", "Save it as Parquet."),
    (b"ORC", "an ORC file", "Save it as Parquet."),
    (b"\x89PNG", "an image", "Export the table itself."),
    (b"\xff\xd8\xff", "an image", "Export the table itself."),
)
HTML = re.compile(rb"<(?:!doctype html|!--|html|head|body|title|script|meta|div|table)\b", re.IGNORECASE)
XML = re.compile(rb"<(?:\?xml|!doctype|[a-z][\w:.-]*+[^<>]*+>\s*+<)", re.IGNORECASE)
LIST_IN_OBJECT = re.compile(rb'\{\s*"(?:' + b"|".join(name.encode() for name in ROW_LISTS) + rb')"\s*:\s*\[')
CONTROLS = bytes(set(range(32)) - set(b"\t\n\r\f\x1b") - {0x01, 0x1E, 0x1F})


def detect_format(head: bytes, name: str) -> Format:
    """Return the format of a file that begins with ``head`` (HEAD_BYTES, or all of it), unpacked.

    Raises UploadError, naming what the file is, when it is none of the four.
    """
    if head.startswith(PARQUET_MARK):
        return Format.PARQUET
    _refuse_foreign(head, name)
    text = head.removeprefix(UTF8_BOM).lstrip()
    if not text:
        raise UploadError("The file is empty: it holds nothing but spaces and line ends. Choose one with rows.")
    _refuse_markup(text)
    ending = _ending(name)
    if text.startswith(b"["):
        return Format.JSON
    if text.startswith(b"{"):
        return _detect_objects(text, ending)
    if ending in {"jsonl", "ndjson"}:
        return Format.JSONL
    if ending == "json":
        raise UploadError("The file is named .json but begins with neither “[” nor “{”. Upload a list of objects.")
    if ending in {"parquet", "pq"}:
        raise UploadError("The file is named as Parquet but does not begin as Parquet does. Export it again.")
    return Format.CSV


def _detect_objects(text: bytes, ending: str) -> Format:
    """Tell one object a line from one object that holds a list or is written over several lines."""
    if LIST_IN_OBJECT.match(text):
        return Format.JSON
    first, _, rest = text.partition(b"\n")
    try:
        value = orjson.loads(first)
    except orjson.JSONDecodeError:
        is_spread = first.rstrip().endswith((b"{", b"[", b",", b":"))
        return Format.JSON if ending == "json" or (is_spread and ending not in {"jsonl", "ndjson"}) else Format.JSONL
    holds_list = any(isinstance(value.get(name), list) for name in ROW_LISTS)
    return Format.JSON if holds_list and not rest.strip() else Format.JSONL


def _refuse_foreign(head: bytes, name: str) -> None:
    if head.startswith(ZIP_MARK):
        raise _refuse_zip(head, name)
    for mark, what, cure in FOREIGN:
        if head.startswith(mark):
            raise UploadError(f"The file is {what}, not {TAKEN}. {cure}")
    refuse_wide_text(head)
    sample = head[:4096]
    if len(sample) - len(sample.translate(None, CONTROLS)) > max(4, len(sample) // 20):
        raise UploadError(f"The file is not text, and not Parquet. Upload {TAKEN}.")


def _refuse_zip(head: bytes, name: str) -> UploadError:
    if b"xl/" in head or _ending(name) in {"xlsx", "xlsm"}:
        return UploadError(f"The file is an Excel workbook, not {TAKEN}. Save the sheet as “CSV UTF-8”.")
    if b"word/" in head:
        return UploadError(f"The file is a Word document, not {TAKEN}. Export the table itself.")
    return UploadError(f"The file is a zip archive, not {TAKEN}. Unpack it and upload the file inside, or use gzip.")


def _refuse_markup(text: bytes) -> None:
    if HTML.match(text):
        raise UploadError(
            f"The file is an HTML page, not {TAKEN}; a sign-in or error page was probably saved in its place. "
            "Download it again."
        )
    if XML.match(text):
        raise UploadError(f"The file is XML, not {TAKEN}. Export the rows in one of these.")


def _ending(name: str) -> str:
    """Return what stands behind the last dot of a file name, the one before ``.gz`` if it ends so."""
    return name.lower().removesuffix(".gz").rpartition(".")[2]
