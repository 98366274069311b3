"""Which class a fault belongs to, and the sentence that says what happened and what to do. Pure.

Sources: RFC 9110 for statuses and Retry-After; the error objects of OpenAI, OpenRouter, vLLM, Gemini and FastAPI.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from evalhub.candidates.loose_json import decoded, read_json
from evalhub.candidates.replies import CallError

LONGEST_QUOTE = 300
LONGEST_WAIT = 600
QUOTA_WORDS = re.compile(
    r"insufficient_(quota|balance|credits?)|billing_(hard_limit|not_active)|credit_balance|"
    r"insufficient (balance|credits?)|credit balance is too low",
    re.IGNORECASE,
)
RATE_WORDS = re.compile(r"rate.?limit|too.?many.?requests|resource_exhausted", re.IGNORECASE)
KEY_WORDS = re.compile(r"authenticat|invalid.?api.?key|unauthori[sz]ed|permission", re.IGNORECASE)
REQUEST_WORDS = re.compile(r"invalid.?request|context.?length|bad.?request", re.IGNORECASE)
NO_MODEL_WORDS = re.compile(r"model.?not.?found|not_found", re.IGNORECASE)


def fault_of_status(status: int, body: bytes | bytearray, *, location: str = "", has_key: bool = True) -> CallError:
    """The fault that a status outside 200 to 299 stands for; what the endpoint says itself is quoted."""
    if 300 <= status < 400:
        where = f" to {quoted(location)}" if location else ""
        return CallError(
            "not_found",
            f"The endpoint redirects{where} ({status}), and redirects are not followed. Enter the final base URL.",
        )
    says, codes = message_and_codes(body)
    return fault_of(status, f" ({status}){says}", f"{codes} {says}", has_key)


def fault_of(status: int, tail: str, words: str, has_key: bool) -> CallError:
    """The fault for a status; ``tail`` (status and quotation) ends the first sentence of the message."""
    if status == 402 or (status in {400, 403, 429} and QUOTA_WORDS.search(words)):
        return CallError("quota", f"The account's quota or credit is used up{tail}. Raise it at the provider.")
    if status == 429:
        advice = "Lower the endpoint's calls at once, or set its limits a minute."
        return CallError("rate_limited", f"The endpoint gets too many requests{tail}. {advice}", is_transient=True)
    if status in {401, 403}:
        happened = "The endpoint refuses the key" if has_key else "The endpoint wants a key, and none is saved"
        return CallError("auth", f"{happened}{tail}. Enter a valid key at the endpoint.")
    if status in {404, 405, 410}:
        advice = "Check the base URL, which mostly ends in /v1, and the model name."
        return CallError("not_found", f"The endpoint knows no such address or model{tail}. {advice}")
    if status == 408:
        return CallError("timeout", f"The endpoint gave up waiting{tail}. It may work later.", is_transient=True)
    if status == 413:
        advice = "Shorten the prompt or the example."
        return CallError("too_large", f"The request is too large for the endpoint{tail}. {advice}")
    if status >= 500 or status in {409, 425}:
        return CallError("server_error", f"The endpoint failed{tail}. It may work later.", is_transient=True)
    return CallError("bad_request", f"The endpoint refuses the request{tail}. Check the candidate's settings.")


def fault_of_error(data: Mapping[str, Any]) -> CallError:
    """The fault of an error object where an answer or an event of a stream should be, under status 200."""
    error = data["error"]
    message, codes = error_parts(error)
    code = error.get("code") if isinstance(error, dict) else None
    status = code if isinstance(code, int) and 400 <= code < 600 else status_in_words(f"{codes} {message}")
    shown = f" ({status})" if status == code else ""
    return fault_of(status, shown + quotation(message), f"{codes} {message}", has_key=True)


def status_in_words(words: str) -> int:
    for pattern, status in (
        (QUOTA_WORDS, 402),
        (RATE_WORDS, 429),
        (KEY_WORDS, 401),
        (REQUEST_WORDS, 400),
        (NO_MODEL_WORDS, 404),
    ):
        if pattern.search(words):
            return status
    return 500


def message_and_codes(body: bytes | bytearray) -> tuple[str, str]:
    """(quotation of the endpoint's own message or "", its codes) from the body of an error."""
    try:
        data = read_json(body)
    except ValueError:
        text = decoded(body)
        return ("" if looks_like_html(text) else quotation(text)), ""
    if isinstance(data, list) and data:
        data = data[0]
    if not isinstance(data, dict):
        return quotation(decoded(body)), ""
    error = data.get("error") or data.get("detail") or data.get("message") or data
    message, codes = error_parts(error)
    return quotation(message), codes


def error_parts(error: Any) -> tuple[str, str]:
    """(message, codes) of an error object in one of the shapes that endpoints use."""
    if isinstance(error, str):
        return error, ""
    if not isinstance(error, dict):
        return str(error), ""
    message = error.get("message") or error.get("msg") or error.get("detail") or ""
    codes = " ".join(str(error[name])[:100] for name in ("code", "type", "status", "param") if error.get(name))
    return str(message), codes


def looks_like_html(text: str) -> bool:
    return text.lstrip()[:200].lower().startswith(("<!doctype", "<html", "<head", "<?xml", "<body"))


def quotation(text: str) -> str:
    """: “text”, capped and on one line; nothing for nothing."""
    quote = quoted(text)
    return f": “{quote}”" if quote else ""


def quoted(text: str) -> str:
    line = " ".join(text[: LONGEST_QUOTE * 4].split()).rstrip(".")
    return line if len(line) <= LONGEST_QUOTE else line[: LONGEST_QUOTE - 1] + "…"


def unreadable_fault(body: bytes | bytearray) -> CallError:
    """The fault of a body, or an event of a stream, that should be JSON and is not."""
    if looks_like_html(decoded(body[:1000])):
        happened = "The endpoint answers with an HTML page. Check the base URL, which mostly ends in /v1."
    else:
        happened = "The endpoint's answer is not complete JSON."
    return CallError("not_json", happened, is_transient=True)


def timeout_fault(seconds: float, *, has_begun: bool) -> CallError:
    happened = "The answer was not complete" if has_begun else "There was no answer"
    advice = "Raise the endpoint's time limit, or ask for shorter answers."
    return CallError("timeout", f"{happened} within {seconds:g} s. {advice}", is_transient=True)


def connection_fault(error: Exception, base_url: str) -> CallError:
    """The fault behind an exception of aiohttp, whose own texts are not for people."""
    import aiohttp  # 0.15 s, and whoever has such an exception has loaded it

    place = base_url.partition("//")[2].partition("/")[0]
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        why = getattr(error.certificate_error, "verify_message", "") or "it does not fit"
        return CallError("connect", f"The certificate of {place} is not trusted: {why}. Nothing was sent.")
    if isinstance(error, aiohttp.ClientSSLError):
        return CallError("connect", f"{place} does not speak TLS. Check whether its base URL begins with http://.")
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return CallError("connect", f"The name {place} cannot be resolved. Check the base URL.", is_transient=True)
    if isinstance(error, aiohttp.ClientConnectorError):
        why = (error.os_error.strerror or "no connection").partition(" (")[0].lower()
        advice = "Check the base URL and that the server runs."
        return CallError("connect", f"Nothing answers at {place}: {why}. {advice}", is_transient=True)
    if isinstance(error, aiohttp.InvalidURL):
        return CallError("refused_address", f"{place} is not a host that can be called. Check the base URL.")
    if isinstance(error, aiohttp.ClientResponseError):
        happened = f"What answers at {place} does not speak HTTP. Check the base URL."
        return CallError("not_json", happened, is_transient=True)
    happened = "The connection broke before the answer was complete. It may work later."
    return CallError("reset", happened, is_transient=True)


def retry_after(value: str | None, sent_at: str | None = None) -> float | None:
    """Seconds that a Retry-After header asks to wait, or None where it is missing or nonsense (not 0 to 600 s).

    A date is measured from the answer's own Date header, so that a wrong clock here does not matter.
    """
    if not value:
        return None
    try:
        seconds = float(value)
    except ValueError:
        then, now = http_date(value), http_date(sent_at) or datetime.now(UTC)
        if then is None:
            return None
        seconds = (then - now).total_seconds()
    return seconds if 0 <= seconds <= LONGEST_WAIT else None


def http_date(value: str | None) -> datetime | None:
    try:
        date = parsedate_to_datetime(value or "")
    except (ValueError, OverflowError):
        return None
    return date if date.tzinfo else date.replace(tzinfo=UTC)
