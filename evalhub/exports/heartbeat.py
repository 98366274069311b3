"""The sign of life of a worker at an export: how far it is, once a second, and whether it is still wanted."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from django.db import DatabaseError, InterfaceError, connection
from django.db.models.functions import Now

from evalhub.exports.models import Export
from evalhub.exports.writing import Progress, Stopped

BEAT_SECONDS = 1.0
logger = logging.getLogger(__name__)


class Heartbeat:
    """While it is entered, a thread writes ``progress`` to the export's row.

    When the row is gone, cancelled or another worker's, it calls ``stop``, which ends the query the work waits for.
    """

    def __init__(self, export: Export, progress: Progress, stop: Callable[[], None]) -> None:
        self.export, self.progress, self.stop = export, progress, stop
        self.is_over, self.is_lost = threading.Event(), False
        self.thread = threading.Thread(target=self._beat, name=f"export-{export.pk}", daemon=True)

    def look(self) -> None:
        """Raise Stopped if the file is not wanted any more."""
        if self.is_lost:
            raise Stopped

    def __enter__(self) -> Heartbeat:
        self.thread.start()
        return self

    def __exit__(self, *fault: object) -> None:
        self.is_over.set()
        self.thread.join()

    def _beat(self) -> None:
        try:
            while not self.is_over.wait(BEAT_SECONDS) and not self.is_lost:
                self._tell()
        finally:
            connection.close()

    def _tell(self) -> None:
        mine = Export.objects.filter(pk=self.export.pk, token=self.export.token, state=Export.State.WORKING)
        try:
            found = mine.update(moved_at=Now(), rows_done=self.progress.rows, bytes=self.progress.bytes)
        except (DatabaseError, InterfaceError) as error:
            # The work itself will fail if this lasts. Until then the next beat tries again.
            logger.warning("export %s could not tell how far it is: %s", self.export.pk, error)
            connection.close()
            return
        if not found:
            self.is_lost = True
            self.stop()
