"""Recognising text that is not UTF-8, and saying which it is."""

from __future__ import annotations

from evalhub.evalsets.files.faults import UploadError

UTF8_BOM = b"\xef\xbb\xbf"
MARKS = (
    (b"\xff\xfe\x00\x00", "UTF-32"),
    (b"\x00\x00\xfe\xff", "UTF-32"),
    (b"\xff\xfe", "UTF-16"),
    (b"\xfe\xff", "UTF-16"),
)
SAVE_AS_UTF8 = "Save it as UTF-8 (in Excel: “CSV UTF-8”) and upload it again."
CONTINUATION = range(0x80, 0xC0)
WINDOWS_ONLY = range(0x80, 0xA0)
UNUSED_IN_WINDOWS = {0x81, 0x8D, 0x8F, 0x90, 0x9D}


def refuse_wide_text(head: bytes) -> None:
    """Raise UploadError if ``head``, the first bytes of the file, is UTF-16 or UTF-32, with or without its mark."""
    for mark, name in MARKS:
        if head.startswith(mark):
            raise _wide(name)
    sample = head[:4096]
    zeros = sample.count(0)
    if len(sample) < 4 or zeros * 4 < len(sample):
        return
    if zeros == len(sample):
        raise UploadError("The file holds nothing but NUL bytes; it was probably damaged on the way. Export it again.")
    even, odd = sample[::2].count(0), sample[1::2].count(0)
    if zeros * 3 >= len(sample) * 2:
        raise _wide("UTF-32")
    if max(even, odd) >= 4 * min(even, odd):
        raise _wide("UTF-16")


def refuse_line(line: int, raw: bytes, error: UnicodeDecodeError) -> UploadError:
    """Return the fault for a line that is not UTF-8: what it seems to be, the byte, the cure."""
    byte = raw[error.start]
    place = f"Line {line}: byte {error.start + 1} (hexadecimal {byte:02X}) is not UTF-8 text."
    if (
        raw[error.start : error.start + 2].startswith(b"\xed")
        and len(raw) > error.start + 1
        and raw[error.start + 1] >= 0xA0
    ):
        return UploadError(
            f"Line {line}: byte {error.start + 1} begins half a character (a lone surrogate, "
            f"hexadecimal {raw[error.start : error.start + 3].hex(' ').upper()}). Remove it, or export the file again."
        )
    if _holds_other_characters(raw, error.start):
        return UploadError(
            f"{place} The characters before it are, so the line is damaged. Correct it, or export the file again."
        )
    return UploadError(f"{place} The file seems to be {_guess_single_byte(raw)}. {SAVE_AS_UTF8}")


def _wide(name: str) -> UploadError:
    return UploadError(f"Line 1: the file is {name} text; EvalHub reads UTF-8. {SAVE_AS_UTF8}")


def _holds_other_characters(raw: bytes, end: int) -> bool:
    return not raw[:end].isascii()


def _guess_single_byte(raw: bytes) -> str:
    high = {byte for byte in raw if byte >= 0x80}
    uses_windows = any(byte in WINDOWS_ONLY for byte in high) and not high & UNUSED_IN_WINDOWS
    return "Windows-1252" if uses_windows else "Latin-1 (ISO 8859-1)"
