"""One EvalHub of its own in which faults happen one after the other: a process.

    python -m tests.faults.lane EXAMPLES

in an environment that names the data folder. Reads names of faults, a line each, and prints a row for each, as JSON.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path

from evalhub.serving.launch import die_with_parent
from evalhub.serving.places import embedded_database_url, embedded_redis_url, socket_folder
from tests.faults.rows import Row, all_faults


class Lane:
    """The process as its owner sees it."""

    def __init__(self, examples: int) -> None:
        self.place = Path(tempfile.mkdtemp(prefix="evalhub-faults-"))
        self.place.chmod(0o711)  # as root, the servers run as “nobody” and must pass
        home = self.place / "home"
        home.mkdir(mode=0o711)
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("EVALHUB_", "DJANGO_"))},
            "DJANGO_SETTINGS_MODULE": "evalhub.settings",
            "EVALHUB_HOME": str(home),
            "DATABASE_URL": embedded_database_url(home),
            "REDIS_URL": embedded_redis_url(home),
        }
        command = [sys.executable, "-m", "tests.faults.lane", str(examples)]
        self.home = home
        self.process = subprocess.Popen(
            command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def play(self, name: str) -> Row:
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(f"{name}\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        return Row(**json.loads(line)) if line else Row(name, all_faults()[name].title, unmet=["the harness ended"])

    def has_ended(self) -> bool:
        return self.process.poll() is not None

    def end(self) -> None:
        assert self.process.stdin
        self.process.stdin.close()
        try:
            self.process.wait(120)
        finally:
            self.process.kill()
            shutil.rmtree(socket_folder(self.home), ignore_errors=True)
            if (kept := os.environ.get("EVALHUB_FAULTS_KEEP")) and (self.home / "logs").exists():
                shutil.copytree(self.home / "logs", Path(kept) / self.place.name, dirs_exist_ok=True)
            if (servers := self.home / "servers").is_symlink():
                shutil.rmtree(servers.resolve(), ignore_errors=True)
            shutil.rmtree(self.place, ignore_errors=True)


def serve(examples: int) -> None:
    """Play what is asked for. A stack in which something was not as expected is not used for the next fault."""
    from evalhub.serving.preparing import let_go_of_database
    from tests.faults.hold_stack import Client
    from tests.faults.setting import make_setting

    stack = Client()
    setting = make_setting(examples)
    warm_up(stack, setting)
    try:
        for line in sys.stdin:
            row = play(line.strip(), stack, setting)
            print(json.dumps(asdict(row)), flush=True)
            if not row.is_met:
                stack.end()
                stack = Client()
                let_go_of_database()
                warm_up(stack, setting)
    finally:
        stack.end()


def warm_up(stack: object, setting: object) -> None:
    """A whole small run, and every page of it in each process of the web server: the first time loads and compiles."""
    from tests.faults.pages import Visitor
    from tests.faults.scene import Scene

    visitor = Visitor(stack.address, setting.project.slug, setting.user)
    scene = Scene(Row("warm-up"), stack, setting, visitor)
    scene.begin(repeats=1)
    scene.wait(scene.is_over, 120)
    output = scene.run.outputs.first()
    pages = [scene.page, f"{scene.page}progress/", f"{scene.page}outputs/", "/runs/", "/runs/new/"]
    with ThreadPoolExecutor(8) as visitors:
        list(visitors.map(visitor.open, [*pages, f"/outputs/{output.pk if output else 0}/"] * 8))
    scene.end()


def play(name: str, stack: object, setting: object) -> Row:
    from tests.faults.pages import Visitor, Watch
    from tests.faults.scene import Scene
    from tests.faults.setting import forget_queues, memory_of_workers

    fault = all_faults()[name]
    row = Row(name, fault.title, fault.limit)
    visitor = Visitor(stack.address, setting.project.slug, setting.user)
    scene = Scene(row, stack, setting, visitor)
    began = time.monotonic()

    def paths() -> list[str]:
        return ["/runs/", *([scene.page, f"{scene.page}progress/"] if scene.runs else [])]

    looker = Visitor(stack.address, setting.project.slug, setting.user)
    try:
        with Watch(looker, paths, lambda: memory_of_workers(stack)) as watch:
            scene.watch = watch
            fault.play(scene)
    except Exception as fault_of_ours:
        row.unmet.append(f"the harness failed: {traceback.format_exception_only(fault_of_ours)[-1].strip()}")
        traceback.print_exc()
    row.seconds = time.monotonic() - began
    scene.judge_pages([*looker.answers, *visitor.answers])
    if traces := scene.new_log().count("Traceback (most recent call last)"):
        scene.note(f"{traces} tracebacks in the logs")
    scene.end()
    forget_queues(scene)
    return row


def main() -> None:
    import django

    die_with_parent(signal.SIGTERM)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # its owner tells it to end
    django.setup()
    owner = os.getppid()
    try:
        serve(int(sys.argv[1]))
    finally:
        if os.getppid() != owner:  # which was killed, and would have done it
            shutil.rmtree(Path(os.environ["EVALHUB_HOME"]).parent, ignore_errors=True)


if __name__ == "__main__":
    main()
