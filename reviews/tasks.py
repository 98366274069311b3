from __future__ import annotations

from typing import Any

from celery import shared_task

from reviews.making.planning import fill_round
from reviews.notices.finding import find_notices
from reviews.notices.sending import send_due


@shared_task
def fill_round_task(round_id: int, **_future: Any) -> None:
    fill_round(round_id)


@shared_task
def sweep_notices_task(**_future: Any) -> None:
    """Find who is to be told of what, and send what is due. Twice a minute, since nothing else sends notices."""
    find_notices()
    send_due()
