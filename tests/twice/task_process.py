"""A process that runs tasks when it is told to, as a worker's would: ``python -m tests.twice.task_process``.

It prints “ready”, then reads orders, a JSON object a line: ``{"task": name, "arguments": [...], "constants":
{"module.NAME": value}}``; the constants stand for those of the modules while the task runs. It answers each with a
line: ``{"fault": traceback or ""}``.
"""

from __future__ import annotations

import json
import sys
import traceback
from typing import Any

import pytest


def main() -> None:
    import django

    django.setup()
    from evalhub.celery import app

    app.loader.import_default_modules()
    print("ready", flush=True)
    for line in sys.stdin:
        print(json.dumps({"fault": fault_of(app, json.loads(line))}), flush=True)


def fault_of(app: Any, order: dict[str, Any]) -> str:
    with pytest.MonkeyPatch.context() as constants:
        for name, value in order["constants"].items():
            constants.setattr(name, value)
        try:
            app.tasks[order["task"]](*order["arguments"])
        except Exception:
            return traceback.format_exc()
    return ""


if __name__ == "__main__":
    main()
