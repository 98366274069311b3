"""How much a file may ask of us. The parent hands the limits to the child as JSON."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

KB, MB, GB = 1 << 10, 1 << 20, 1 << 30


@dataclass(frozen=True)
class Limits:
    """Caps on one uploaded file and on the child process that reads it. Bytes, characters, seconds."""

    stored_bytes: int = 512 * MB
    decoded_bytes: int = 2 * GB
    """After unpacking gzip; for Parquet the size of the values in memory."""
    gzip_ratio: int = 200
    """Decoded over stored, looked at beyond ``gzip_ratio_from`` bytes. JSON of real samples packs 3 to 30 times."""
    gzip_ratio_from: int = 64 * MB
    rows: int = 1_000_000
    line_bytes: int = 16 * MB
    csv_cell_characters: int = 131_072
    """The limit of Python's csv module, and of many spreadsheets four times over."""
    cell_characters: int = 4 * MB
    nesting: int = 100
    columns: int = 500
    tags: int = 100
    id_characters: int = 200
    """Also of a tag, a cluster, a model name: what the database's columns hold."""
    staged_bytes: int = 6 * GB
    memory_bytes: int = GB
    cpu_seconds: int = 600
    wall_seconds: float = 900.0
    errors_listed: int = 200
    preview_rows: int = 20
    preview_characters: int = 300

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Limits:
        return cls(**data)


def spell_size(size: int) -> str:
    """Return a number of bytes as a person says it: “700 bytes”, “1.5 MB”, “1 GB”."""
    for unit, name in ((GB, "GB"), (MB, "MB"), (KB, "KB")):
        if size >= unit:
            return f"{size / unit:.1f}".removesuffix(".0") + f" {name}"
    return f"{size} bytes"
