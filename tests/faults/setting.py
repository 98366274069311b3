"""What every fault finds there: a project, its people, a published version, a page that has been looked at."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import count

import psutil

PRICE = Decimal(1)  # US$ for a million tokens, of either kind
NUMBERS = count(1)


@dataclass
class Setting:
    project: object
    user: object
    version: object
    examples: int
    prompts: dict[str, str] = field(default_factory=dict)
    """{key of the example: the text that the endpoint is asked}"""

    def candidate(self, url: str, key: str = "", **fields: object):
        """A candidate with an endpoint of its own, not streamed, unless ``fields`` says so."""
        from evalhub.candidates.keys import set_key
        from evalhub.candidates.models import Candidate, Endpoint

        name = f"candidate {next(NUMBERS)}"
        endpoint = Endpoint(project=self.project, name=name, base_url=url, **{"streams": False, **fields})
        if key:
            set_key(endpoint, key)
        endpoint.save()
        return Candidate.objects.create(
            project=self.project,
            name=name,
            endpoint=endpoint,
            model="echo",
            max_tokens=100,
            input_price=PRICE,
            output_price=PRICE,
        )


def make_setting(examples: int) -> Setting:
    from django.utils import timezone

    from evalhub.evalsets.models import EvalSet, EvalSetVersion, Example
    from evalhub.projects.joining import found_project
    from evalhub.projects.models import User

    user = User.objects.create(email="ada@example.org", name="Ada")
    project = found_project(user, "Faults")
    eval_set = EvalSet.objects.create(project=project, name="Inbox")
    version = EvalSetVersion.objects.create(
        eval_set=eval_set, number=1, state="draft", example_count=examples, created_by=user
    )
    prompts = {
        f"mail-{n}": f"Ticket {n}: the invoice shows the wrong amount, please correct it." for n in range(examples)
    }
    Example.objects.bulk_create(
        Example(
            version=version,
            position=position,
            key=key,
            request={"messages": [{"role": "user", "content": prompt}]},
            digest=position.to_bytes(32),
        )
        for position, (key, prompt) in enumerate(prompts.items(), start=1)
    )
    version.state, version.published_at = "published", timezone.now()
    version.save()
    return Setting(project, user, version, examples, prompts)


def memory_of_workers(stack) -> float:
    """MB of the largest process that makes calls."""
    with suppress(psutil.Error):
        return max((process.memory_info().rss for process in stack.workers()), default=0) / 1e6
    return 0.0


def forget_queues(scene) -> None:
    """Empty the queues, once the tasks at work have ended: the next fault begins with nothing on its way."""
    import redis
    from django.conf import settings

    broker = redis.Redis.from_url(settings.REDIS_URL, socket_timeout=10)
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            broker.delete("calls", "work", "sweep")
            if broker.hlen("unacked") == 0:
                return
        except redis.RedisError:
            pass
        time.sleep(0.1)  # between two looks
    with suppress(redis.RedisError):
        broker.delete("unacked", "unacked_index")
