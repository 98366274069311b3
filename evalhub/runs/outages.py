"""An endpoint that answers nobody is left alone: one call at a time tries whether it is back, nothing else is asked.

That it is down each shift decides from its own answers. Since when it is down stands in the database, on the database's
clock: whoever found out first wrote it, and each probe is made by the one shift that claimed it.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from evalhub.errors import EvalHubError
from evalhub.runs.models import Run

# The endpoint was not reached, did not end its answer, or said itself that it failed. Not among them are wrong answers
# (not_json, no_choices, empty), as some examples may always be answered so; a slower pace that it asks for
# (rate_limited); and what no waiting cures (auth, quota, not_found, bad_request, too_large, refused_address).
FAILING = frozenset({"connect", "timeout", "reset", "server_error", "truncated_stream"})
IN_A_ROW = 10
LAST_ANSWERS, FAILED_OF_LAST = 40, 20
GAVE_UP_SECONDS = 900
"""A run whose endpoint has been down for so long is paused."""
FORGOTTEN_SECONDS = 60
"""Of an outage that nobody has probed for so long nothing is known any more: it begins anew with the next probe."""
LONGEST_PAUSE_SECONDS = 15
"""Between two probes."""
LONGEST_PROBE_SECONDS = 30
# From the end of a probe until it is noted.
NOTED_AFTER_SECONDS = 2

# An endpoint that was deleted meanwhile cannot be down.
OPEN = """
INSERT INTO runs_outage (endpoint_id, since, reason, probe_at, probes)
SELECT id, now(), %(reason)s, now() + make_interval(secs => 1), 0 FROM candidates_endpoint WHERE id = %(endpoint)s
ON CONFLICT (endpoint_id) DO NOTHING
"""
# What lies farther ahead than the longest pause is the end of a probe under way, and that may be answered at any time.
LOOK = """
SELECT since, reason, probes, extract(epoch FROM now() - since)::float8,
    CASE WHEN probe_at > now() + make_interval(secs => %(pause)s) THEN 1
        ELSE extract(epoch FROM probe_at - now()) END::float8
FROM runs_outage WHERE endpoint_id = %(endpoint)s
"""
# Of two at once the second waits for the first, looks again, and finds that the probe is not due any more.
CLAIM = """
UPDATE runs_outage SET
    since = CASE WHEN probe_at < now() - make_interval(secs => %(forgotten)s) THEN now() ELSE since END,
    probes = CASE WHEN probe_at < now() - make_interval(secs => %(forgotten)s) THEN 0 ELSE probes END,
    probe_at = now() + make_interval(secs => %(timeout)s)
WHERE endpoint_id = %(endpoint)s AND probe_at <= now()
"""
FAILED = """
UPDATE runs_outage SET
    reason = %(reason)s, probes = probes + 1,
    probe_at = now() + make_interval(secs => least(%(pause)s, 2 ^ least(probes + 1, 4)))
WHERE endpoint_id = %(endpoint)s
"""
GIVE_BACK = "UPDATE runs_outage SET probe_at = now() WHERE endpoint_id = %(endpoint)s"
LOOK_AGAIN = "UPDATE runs_outage SET since = now(), probes = 0, probe_at = now() WHERE endpoint_id = %(endpoint)s"
CLOSE = "DELETE FROM runs_outage WHERE endpoint_id = %(endpoint)s"
# The first example from a random place on: quick in versions of any size.
RANDOM_REQUEST = """
SELECT request::text FROM evalsets_example
WHERE version_id = %(version)s AND position >= (
    SELECT min(position) + floor(random() * (max(position) - min(position) + 1))
    FROM evalsets_example WHERE version_id = %(version)s
)
ORDER BY position LIMIT 1
"""


class ProbeError(EvalHubError):
    """There is nothing to ask the endpoint."""


def is_failing(cause: str) -> bool:
    """Whether a call that ended so, by the cause of its reply, speaks for an endpoint that is down."""
    return cause in FAILING


class Streak:
    """What a shift's last answers say of the endpoint.

    ``examples``: how many there are in the version, as ten different ones cannot fail where there are fewer.
    """

    def __init__(self, examples: int = IN_A_ROW) -> None:
        self.different = min(IN_A_ROW, examples)
        self.row: list[int] = []
        self.last: deque[tuple[int, bool]] = deque(maxlen=LAST_ANSWERS)
        self.failed = 0
        self.was_answered = True

    def note(self, example_id: int, failed: bool) -> bool:
        """Take in an answer; true if the endpoint is down: ten failures in a row, or half of the last forty answers.

        Either must be of ten different examples: a few that always fail say nothing of the endpoint. Begins anew then,
        and after a first time waits for an answer: if the endpoint came back and answers others, but never this shift,
        it is the model that fails, and runs of other models shall not wait for it.
        """
        self.was_answered = self.was_answered or not failed
        self.row = [*self.row, example_id] if failed else []
        if len(self.last) == LAST_ANSWERS:
            self.failed -= self.last[0][1]
        self.last.append((example_id, failed))
        self.failed += failed
        if not (self.is_long() or self.is_half()):
            return False
        self.forget()
        is_news, self.was_answered = self.was_answered, False
        return is_news

    def is_long(self) -> bool:
        return len(self.row) >= IN_A_ROW and len(set(self.row)) >= self.different

    def is_half(self) -> bool:
        if len(self.last) < LAST_ANSWERS or self.failed < FAILED_OF_LAST:
            return False
        return len({example for example, failed in self.last if failed}) >= self.different

    def forget(self) -> None:
        """Begin anew: what was answered before an outage says nothing of the time after it."""
        self.row = []
        self.last.clear()
        self.failed = 0


@dataclass(frozen=True)
class Down:
    """An endpoint that is down, as it was when asked; times in seconds of the database's clock."""

    since: datetime
    reason: str
    probes: int
    """That failed so far."""
    seconds: float
    seconds_to_probe: float
    """Below 0: a probe is due, and nobody has claimed it. While one is under way, 1: it is worth looking soon."""

    @property
    def is_forgotten(self) -> bool:
        return self.seconds_to_probe < -FORGOTTEN_SECONDS

    @property
    def is_given_up(self) -> bool:
        """Whether runs should pause rather than wait on."""
        return self.seconds > GAVE_UP_SECONDS and not self.is_forgotten


def open_outage(endpoint_id: int, reason: str) -> None:
    """Note that the endpoint is down, since now unless somebody noted it before."""
    change(OPEN, endpoint_id, reason=reason[:500])


def outage_of(endpoint_id: int) -> Down | None:
    with connection.cursor() as cursor:
        cursor.execute(LOOK, {"endpoint": endpoint_id, "pause": LONGEST_PAUSE_SECONDS})
        row = cursor.fetchone()
        return Down(*row) if row else None


def outage_of_run(run: Run) -> Down | None:
    """For pages: the outage that a run waits for; none for runs that are over or paused, and none that is forgotten."""
    if run.state != Run.State.RUNNING or "endpoint" not in run.plan:
        return None
    down = outage_of(run.plan["endpoint"])
    return None if down is None or down.is_forgotten else down


def claim_probe(endpoint_id: int, timeout_seconds: float) -> bool:
    """Whether the next probe is due and the caller's to make, with ``probe_plan``: it is another one's if that crashes.

    ``timeout_seconds``: of a call to the endpoint; a probe waits for half a minute at most.
    """
    seconds = min(timeout_seconds, LONGEST_PROBE_SECONDS) + NOTED_AFTER_SECONDS
    return change(CLAIM, endpoint_id, timeout=seconds, forgotten=FORGOTTEN_SECONDS)


def give_back_probe(endpoint_id: int) -> None:
    """Leave a claimed probe, which is not made or not waited for, to another shift at once."""
    change(GIVE_BACK, endpoint_id)


def probe_failed(endpoint_id: int, reason: str) -> None:
    """Note that a probe failed as well; after the first second the next ones are due 2, 4, 8, 15, 15, ... s later."""
    change(FAILED, endpoint_id, reason=reason[:500], pause=LONGEST_PAUSE_SECONDS)


def close_outage(endpoint_id: int) -> bool:
    """Note that the endpoint answers again; false if that was noted before."""
    return change(CLOSE, endpoint_id)


def look_again(endpoint_id: int) -> None:
    """Probe at once and wait as long as at first: somebody resumed a run that had given up."""
    change(LOOK_AGAIN, endpoint_id)


def probe_request(version_id: int) -> str:
    """The request of a random example, as text: one that always fails cannot keep the endpoint down."""
    with connection.cursor() as cursor:
        cursor.execute(RANDOM_REQUEST, {"version": version_id})
        row = cursor.fetchone()
    if row is None:
        raise ProbeError("The version has no examples any more, so nothing can be asked.")
    return str(row[0])


def probe_plan(plan: dict[str, Any]) -> dict[str, Any]:
    """The plan of a call whose answer nobody needs: one token, not streamed, and no longer than half a minute."""
    seconds = min(plan["timeout_seconds"], LONGEST_PROBE_SECONDS)
    return plan | {"max_tokens": 1, "streams": False, "timeout_seconds": seconds}


def change(statement: str, endpoint_id: int, **values: Any) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(statement, {"endpoint": endpoint_id, **values})
        return bool(cursor.rowcount)
