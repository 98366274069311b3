"""Writes that may be sent again: the same idempotency key does the work once, and is answered alike each time.

The work, and the row that keeps its answer, are one transaction, so a server that dies on the way leaves neither; and
the row is unique, so of two at once only one can commit. The advisory lock only spares the second the waiting.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from datetime import timedelta

from django.db import IntegrityError, connection, transaction
from django.http import Http404, HttpResponse
from django.utils import timezone
from pydantic import BaseModel

from evalhub.api.faults import ApiFault, at, fault_of, fault_response, json_bytes, json_response, not_understood
from evalhub.api.holding import KeyRequest
from evalhub.api.models import StoredAnswer
from evalhub.errors import EvalHubError
from evalhub.projects.trail import acting_by

HEADER, REPLAYED = "Idempotency-Key", "Idempotent-Replayed"
SPELLING = re.compile(r"[!-~]{1,200}", re.ASCII)
KEPT_FOR = timedelta(hours=48)
REMOVED_AT_ONCE = 100

Work = Callable[[], BaseModel]


def answer_once(request: KeyRequest, work: Work, status: int = 200, digest: bytes | None = None) -> HttpResponse:
    """Do the work of a write and answer with what it returns, or with the kept answer of an equal request before.

    ``digest`` is the SHA-256 of the body where the body is not kept in memory. Faults of the request, which change
    nothing, are answers too; a breakdown of the server is none, so the same key then tries again.
    """
    key = request.headers.get(HEADER)
    if key is None:
        return answer(request, work, status)
    if not SPELLING.fullmatch(key):
        place = at(f"header.{HEADER}", "This takes 1 to 200 printable ASCII characters without spaces.")
        raise not_understood(place)
    fingerprint = fingerprint_of(request, hashlib.sha256(request.body).digest() if digest is None else digest)
    with transaction.atomic():
        if not lock(f"{request.holder.key.pk}:{key}"):
            sentence = "The same request is being answered this moment. Send it again in a second, with the same key."
            raise ApiFault(409, "in_flight", sentence, headers={"Retry-After": "1"})
        kept = StoredAnswer.objects.filter(api_key=request.holder.key, idempotency_key=key).first()
        if kept is not None:
            return replay(kept, fingerprint)
        response = answer(request, work, status)
        StoredAnswer.objects.create(
            api_key=request.holder.key,
            idempotency_key=key,
            fingerprint=fingerprint,
            status=response.status_code,
            body=response.content.decode(),
        )
        remove_old()
        return response


def answer(request: KeyRequest, work: Work, status: int) -> HttpResponse:
    try:
        with acting_by(request.holder.key), transaction.atomic():
            return json_response(json_bytes(work().model_dump()), status)
    except (EvalHubError, Http404) as error:
        fault = fault_of(error)
        assert fault is not None
        return fault_response(fault)
    except IntegrityError:
        # Found in order by both, and then stored by one: two eval sets of one name, for instance.
        return fault_response(ApiFault(409, "conflict", "Somebody else was faster. Look again, then decide."))


def replay(kept: StoredAnswer, fingerprint: bytes) -> HttpResponse:
    if bytes(kept.fingerprint) != fingerprint:
        sentence = f"This {HEADER} was used for another request. Use a new one for each thing that you want done."
        raise ApiFault(422, "key_reused", sentence)
    response = json_response(kept.body.encode(), kept.status)
    response[REPLAYED] = "true"
    return response


def fingerprint_of(request: KeyRequest, body_digest: bytes) -> bytes:
    return hashlib.sha256(f"{request.method} {request.get_full_path()}\n".encode() + body_digest).digest()


def lock(name: str) -> bool:
    """Hold the name until the transaction ends; False if somebody else holds it."""
    number = int.from_bytes(hashlib.sha256(f"idempotency {name}".encode()).digest()[:8], signed=True)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [number])
        return bool(cursor.fetchone()[0])


def remove_old() -> None:
    """Forget answers that nobody can be waiting for: some with each write, so that they never pile up."""
    old = StoredAnswer.objects.filter(created_at__lt=timezone.now() - KEPT_FOR).order_by("created_at")
    some = old.select_for_update(skip_locked=True).values_list("pk", flat=True)[:REMOVED_AT_ONCE]
    StoredAnswer.objects.filter(pk__in=list(some)).delete()
