"""The API itself: what it says of itself, and that every fault is answered in one shape."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from ninja import NinjaAPI, Router
from ninja.operation import Operation
from ninja.renderers import BaseRenderer

from evalhub.api.faults import answer_fault, json_bytes

INTRODUCTION = """\
With a key, a program does what its maker may do in one project. Send it with each request:
“Authorization: Bearer evh_…”. Admins of the project make and revoke keys on its page “API keys”.

Bodies and answers are JSON in UTF-8; only the file of an upload and that of an export are not. Lists come newest first,
with “next”, which is the “after” of the page that follows; null ends them.

Every POST takes the header “Idempotency-Key”, of your choice, new for each thing that you want done. Sent again with
the same key, within two days, the same request does nothing: the answer is that of the first, with the header
“Idempotent-Replayed: true”. So a request whose answer was lost can always be sent again.

Every answer from 400 on is {"error": {"code", "message", "places", "state"}}: the message says what is wrong and what
to do, places where in the request. Codes: no_key (401), not_allowed (403), not_found (404, also for what belongs to
another project), wrong_method (405), in_flight, wrong_state and conflict (409), length_required (411), too_large (413),
wrong_type (415), not_understood (400 and 422), refused and key_reused (422), server_fault (500 and more; try again with
the same key).
"""


class Json(BaseRenderer):
    media_type = "application/json"

    def render(self, request: HttpRequest, data: Any, *, response_status: int) -> bytes:
        return json_bytes(data)


class Api(NinjaAPI):
    def set_default_exception_handlers(self) -> None:
        # In place of ninja's: those would write a traceback into the answer when debugging.
        self.add_exception_handler(Exception, answer_fault)

    def get_openapi_operation_id(self, operation: Operation) -> str:
        return operation.view_func.__name__


api = Api(
    title="EvalHub",
    version="1",
    description=INTRODUCTION,
    renderer=Json(),
    openapi_url=None,
    docs_url=None,
    urls_namespace="api",
)

about = Router(tags=["Project"])
eval_sets = Router(tags=["Eval sets"])
uploads = Router(tags=["Uploads"])
candidates = Router(tags=["Candidates"])
runs = Router(tags=["Runs"])
exports = Router(tags=["Exports"])
ROUTERS = (about, eval_sets, uploads, candidates, runs, exports)
