from __future__ import annotations

from typing import Any

from celery import shared_task

from reviews.rounds import fill_round


@shared_task
def fill_round_task(round_id: int, **_future: Any) -> None:
    fill_round(round_id)
