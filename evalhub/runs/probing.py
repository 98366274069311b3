"""What a shift does about an endpoint that is down: it keeps away, and one shift of all asks now and then."""

from __future__ import annotations

import asyncio
import logging

import orjson

from evalhub.candidates.calling import call
from evalhub.candidates.prompting import build_body
from evalhub.runs.database_thread import DatabaseThread
from evalhub.runs.in_hand import InHand
from evalhub.runs.outages import (
    Down,
    claim_probe,
    close_outage,
    give_back_probe,
    is_failing,
    open_outage,
    outage_of,
    probe_failed,
    probe_plan,
    probe_request,
)

log = logging.getLogger(__name__)

PATIENCE_SECONDS = 60.0
OTHERS_FIRST_SECONDS = 0.5


class Probing:
    """Knows whether the endpoint of a shift is down, and probes it when that is this shift's turn."""

    def __init__(self, hand: InHand, database: DatabaseThread) -> None:
        self.hand = hand
        self.plan = hand.order.plan
        self.endpoint: int = hand.order.plan["endpoint"]
        self.database = database
        self.down: Down | None = None
        self.probe: asyncio.Task[None] | None = None
        self.has_failed = False
        """The last probe of this shift."""

    async def look(self, may_probe: bool) -> None:
        """Tell the others what this shift found out, learn what they did, and begin a probe if one is due."""
        if self.hand.down_because:
            reason, self.hand.down_because = self.hand.down_because, ""
            await self.database.run(open_outage, self.endpoint, reason)
        self.down = await self.database.run(outage_of, self.endpoint)
        self.set_down(self.down is not None or bool(self.hand.down_because))
        if (
            self.is_due()
            and may_probe
            and await self.database.run(claim_probe, self.endpoint, self.plan["timeout_seconds"])
        ):
            self.probe = asyncio.get_running_loop().create_task(self.ask())

    def is_due(self) -> bool:
        """Whether this shift should make a probe now. After one that failed others go first: theirs is another model,
        and it may be the model alone that fails."""
        if self.down is None or self.probe:
            return False
        return self.down.seconds_to_probe <= (-OTHERS_FIRST_SECONDS if self.has_failed else 0)

    def set_down(self, is_down: bool) -> None:
        pool = self.hand.pool
        came_back = pool.is_down and not is_down
        pool.is_down = is_down
        if came_back:
            self.hand.streak.forget()
            pool.fill()

    async def ask(self) -> None:
        """Ask for one token of a random example. What comes back is thrown away: it only matters that it comes."""
        try:
            request = await self.database.run(probe_request, self.hand.order.version_id)
            plan = probe_plan(self.plan)
            reply = await call(self.hand.session, plan, self.hand.order.key, build_body(plan, orjson.loads(request)))
            self.has_failed = is_failing(reply.cause)
            if self.has_failed:
                await self.database.run(probe_failed, self.endpoint, reply.error)
            else:
                await self.database.run(close_outage, self.endpoint)
        except Exception:
            log.exception("Endpoint %s: the probe failed inside EvalHub", self.endpoint)
        finally:
            self.probe = None

    def waits_for(self) -> float:
        """Seconds until the next probe is due; 0 if the endpoint is not down or is being probed."""
        return max(0.0, self.down.seconds_to_probe) if self.down and self.probe is None else 0.0

    def is_lasting(self) -> bool:
        """Whether it has been down for so long that a worker has better things to do than to wait for it."""
        return self.down is not None and self.down.seconds > PATIENCE_SECONDS

    def gave_up(self) -> str:
        """Why the run has to pause, if the endpoint has been down for too long."""
        if self.down is None or not self.down.is_given_up:
            return ""
        return (
            f"The endpoint has been down for {int(self.down.seconds // 60)} minutes. {self.down.reason} "
            "Resume the run when it works again."
        )

    async def stop(self) -> None:
        """Break off a probe under way; another shift may make it at once."""
        if self.probe:
            self.probe.cancel()
            await asyncio.gather(self.probe, return_exceptions=True)
            await self.database.run(give_back_probe, self.endpoint)
