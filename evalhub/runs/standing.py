"""Why nothing happens in a run, or no more than happens: what it waits for, and who has to do something."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db import connection
from django.utils.timezone import localtime

from evalhub.projects.models import Event
from evalhub.runs.models import Run
from evalhub.runs.outages import LONGEST_PAUSE_SECONDS

SILENCE_SECONDS = 20
"""Workers give a sign of life every 15 s. One that gave none for so long is taken for lost on the page."""
QUEUE_SECONDS = 0.5
"""How long a page waits to find out whether the queue is there."""

STANDING = """
SELECT
    run.waits_until > now(),
    extract(epoch FROM now() - greatest(run.worked_at, run.created_at))::float8,
    lease.until,
    lease.until < now(),
    EXISTS (
        SELECT FROM runs_chunk WHERE run_id = run.id AND state = 'ready' AND (not_before IS NULL OR not_before <= now())
    ),
    (SELECT min(not_before) FROM runs_chunk WHERE run_id = run.id AND state = 'ready'),
    (
        SELECT count(*) FROM runs_run AS other
        WHERE other.id <> run.id AND other.state = 'running'
            AND other.worked_at > now() - make_interval(secs => %(silence)s)
            AND EXISTS (SELECT FROM runs_chunk WHERE run_id = other.id AND state = 'leased')
    ),
    endpoint.name, outage.since, outage.reason, outage.probe_at, outage.probes,
    outage.probe_at < now() - make_interval(secs => %(silence)s),
    outage.probe_at > now() + make_interval(secs => %(pause)s)
FROM runs_run AS run
CROSS JOIN LATERAL (
    SELECT max(lease_until) AS until FROM runs_chunk WHERE run_id = run.id AND state = 'leased'
) AS lease
LEFT JOIN candidates_candidate AS candidate ON candidate.id = run.candidate_id
LEFT JOIN candidates_endpoint AS endpoint ON endpoint.id = candidate.endpoint_id
LEFT JOIN runs_outage AS outage ON outage.endpoint_id = endpoint.id
WHERE run.id = %(run)s
"""
SHORTLY = """
SELECT
    run.id, outage.since, CASE WHEN run.waits_until > now() THEN run.waits_until END,
    extract(epoch FROM now() - greatest(run.worked_at, run.created_at))::float8,
    (
        SELECT CASE
            WHEN min(coalesce(not_before, now())) > now() AND NOT bool_or(state = 'leased') THEN min(not_before)
        END
        FROM runs_chunk WHERE run_id = run.id AND state IN ('ready', 'leased')
    )
FROM runs_run AS run
LEFT JOIN candidates_candidate AS candidate ON candidate.id = run.candidate_id
LEFT JOIN runs_outage AS outage ON outage.endpoint_id = candidate.endpoint_id
WHERE run.id = ANY(%s)
"""
MEAN_TOKENS = """
SELECT avg(prompt_tokens + completion_tokens)::float8 FROM (
    SELECT prompt_tokens, completion_tokens FROM runs_output
    WHERE run_id = %s AND attempts > 0 ORDER BY id DESC LIMIT %s
) AS latest
"""
LATEST_FOR_TOKENS = 100
AFTER_FIRST_CLAUSE = re.compile(r"[.:;] .*", re.DOTALL)
START_A_WORKER = (
    "Start one on a machine that reaches this database: “manage.py serve”, "
    "or “celery -A evalhub worker --queues calls”."
)


@dataclass(frozen=True)
class Standing:
    """Why nothing happens in a running run; nothing to say when it does."""

    sentence: str = ""
    needs_help: bool = False
    """Somebody has to do something: nothing will happen by itself."""
    goes_on: bool = False
    """Slower than it could, but outputs come."""

    @property
    def halts(self) -> bool:
        return bool(self.sentence) and not self.goes_on


@dataclass(frozen=True)
class Sight:
    """What the database knows of a running run, by its own clock."""

    is_told_to_wait: bool | None
    silent_for: float
    leased_until: datetime | None
    is_lease_over: bool | None
    is_claimable: bool
    not_before: datetime | None
    others: int
    """Other runs that workers are busy with."""
    endpoint: str | None
    down_since: datetime | None
    down_reason: str | None
    probe_at: datetime | None
    probes: int | None
    is_probe_overdue: bool | None
    is_probed_now: bool | None

    @property
    def is_silent(self) -> bool:
        return self.silent_for >= SILENCE_SECONDS


def standing_of(run: Run, usual_ms: float | None = None) -> Standing:
    """What a running run of calls waits for; ``usual_ms``: how long its answers take, if any came."""
    with connection.cursor() as cursor:
        cursor.execute(STANDING, {"run": run.pk, "silence": SILENCE_SECONDS, "pause": LONGEST_PAUSE_SECONDS})
        row = cursor.fetchone()
    if row is None:
        return Standing()
    sight = Sight(*row)
    if sight.down_since:
        return down(sight)
    if sight.is_told_to_wait:
        return Standing(f"The endpoint asked for no call before {clock(run.waits_until)}.")
    if sight.leased_until:
        return left_alone(sight) if sight.is_silent else Standing(limit_in_the_way(run, usual_ms), goes_on=True)
    if not sight.is_claimable:
        next_tries = f"What is left waits to be tried again; the next tries are at {clock(sight.not_before)}."
        return Standing(next_tries if sight.not_before else "")
    return unclaimed(sight)


def down(sight: Sight) -> Standing:
    """The endpoint does not answer: nothing is asked of it but a probe now and then."""
    said = f"“{sight.endpoint}” is down since {minute(sight.down_since)}: {sentence(sight.down_reason or 'no answer')}"
    tried = f", tried {sight.probes} time{'' if sight.probes == 1 else 's'}" if sight.probes else ""
    if sight.is_probe_overdue and not sight.others:
        return Standing(f"{said} No worker is there to probe it{tried}. {START_A_WORKER}", needs_help=True)
    probe = f"The next probe is at {clock(sight.probe_at)}"
    if sight.is_probe_overdue:
        probe = "The next probe waits for a worker"
    elif sight.is_probed_now:
        probe = "A probe is under way"
    return Standing(f"{said} {probe}{tried}; the run goes on when it is answered.")


def left_alone(sight: Sight) -> Standing:
    """A worker has claimed work, and nothing was heard of it for too long."""
    heard = f"The worker of this run has given no sign of life for {int(sight.silent_for)} s."
    freed = "has been free for another one since" if sight.is_lease_over else "is free for another one at"
    taken = f"What it had in hand {freed} {clock(sight.leased_until)}."
    if sight.others:
        return Standing(f"{heard} {taken}")
    return Standing(f"{heard} {taken} If there is no other: {lower(START_A_WORKER)}{queue_fault()}", needs_help=True)


def unclaimed(sight: Sight) -> Standing:
    """There is work, and nobody has it."""
    if sight.others:
        before = "another run is" if sight.others == 1 else f"{sight.others} other runs are"
        return Standing(f"Waiting for a worker: {before} before it.")
    if not sight.is_silent:
        return Standing("Waiting for a worker.")
    seen = f"No worker has looked at this run for {int(sight.silent_for)} s."
    return Standing(f"{seen} {START_A_WORKER}{queue_fault()}", needs_help=True)


def limit_in_the_way(run: Run, usual_ms: float | None) -> str:
    """A sentence, if as many calls as may be in flight would be more than the endpoint allows in a minute."""
    requests, tokens = run.plan.get("requests_per_minute"), run.plan.get("tokens_per_minute")
    if not usual_ms or not (requests or tokens):
        return ""
    possible = run.plan["max_in_flight"] * 60_000 / usual_ms
    if requests and possible > requests:
        return f"The endpoint allows {spelled(requests, 'request')} a minute: calls wait for their turn."
    if tokens and possible * mean_tokens(run) > tokens:
        return f"The endpoint allows {spelled(tokens, 'token')} a minute: calls wait for their turn."
    return ""


def mean_tokens(run: Run) -> float:
    """Of a call, prompt and answer, as the latest ones had it; 0 if no endpoint told."""
    with connection.cursor() as cursor:
        cursor.execute(MEAN_TOKENS, [run.pk, LATEST_FOR_TOKENS])
        row = cursor.fetchone()
    return float(row[0] or 0) if row else 0.0


def queue_fault() -> str:
    """A sentence, if the queue cannot be reached from here; it may be why no worker comes."""
    # Imported here: only a run that nobody works on needs it.
    from redis import Redis
    from redis.backoff import NoBackoff
    from redis.exceptions import RedisError
    from redis.retry import Retry

    patience = {"socket_timeout": QUEUE_SECONDS, "socket_connect_timeout": QUEUE_SECONDS}
    try:
        with Redis.from_url(settings.REDIS_URL, retry=Retry(NoBackoff(), 0), **patience) as queue:
            queue.ping()
    except (RedisError, OSError):
        return " The queue cannot be reached either: see that Redis runs, and that REDIS_URL names it."
    return ""


def in_short(runs: Iterable[Run]) -> dict[int, str]:
    """By run, of those that are paused or wait for something: why, in a few words."""
    told = {run.pk: AFTER_FIRST_CLAUSE.sub("", run.state_reason) for run in runs if run.state == Run.State.PAUSED}
    running = [run.pk for run in runs if run.state == Run.State.RUNNING and run.source == Run.Source.CALLED]
    if running:
        with connection.cursor() as cursor:
            cursor.execute(SHORTLY, [running])
            told |= {run_id: shortly(*facts) for run_id, *facts in cursor}
    return told


def shortly(
    down_since: datetime | None, waits_until: datetime | None, silent_for: float, not_before: datetime | None
) -> str:
    if down_since:
        return f"endpoint down since {minute(down_since)}"
    if waits_until:
        return f"waits until {clock(waits_until)}"
    if not_before:
        return f"next tries at {clock(not_before)}"
    return f"no worker seen for {int(silent_for)} s" if silent_for >= SILENCE_SECONDS else ""


def paused_since(run: Run) -> datetime | None:
    """When the run was paused last, as the project's trail has it."""
    paused = Event.objects.filter(project=run.project_id, action="paused", subject__startswith=f"run {run.pk},")
    return paused.order_by("-at", "-pk").values_list("at", flat=True).first()


def clock(moment: datetime | None) -> str:
    """A time of day to the second, with its day unless that is today."""
    return f"{day(moment)}{localtime(moment):%H:%M:%S}" if moment else ""


def minute(moment: datetime | None) -> str:
    return f"{day(moment)}{localtime(moment):%H:%M}" if moment else ""


def day(moment: datetime) -> str:
    local = localtime(moment)
    return "" if local.date() == localtime().date() else f"{local.day} {local:%b}, "


def spelled(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def sentence(text: str) -> str:
    return text if text.endswith((".", "!", "?", "…")) else f"{text}."


def lower(text: str) -> str:
    return text[0].lower() + text[1:]
