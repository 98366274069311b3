"""The demo's data: production samples, training rows and error types, read from the files under ``demo/data``.

System messages and tools are the same in many samples, so ``samples.jsonl`` leaves them out and ``read_samples`` puts
them back. ``python -m demo.samples`` prints the samples whole, one JSON object a line, as a file that can be uploaded.
"""

import json
import sys
from functools import cache
from pathlib import Path
from typing import Any

DATA = Path(__file__).parent / "data"

INTENTS = (
    "order_status",
    "delivery_problem",
    "change_order",
    "return",
    "refund",
    "defect",
    "product_question",
    "payment",
    "account",
    "other",
)
PRIORITIES = ("low", "normal", "high", "urgent")  # least to most pressing


def read_samples() -> list[dict[str, Any]]:
    """Every production sample, oldest first, each with its whole request under ``input``."""
    samples = _read_lines("samples.jsonl")
    return [{**sample, "input": join_request(sample["input"])} for sample in samples]


def join_request(short: dict[str, Any]) -> dict[str, Any]:
    """The whole request of a sample: its system message put first, its tool names replaced by the tools themselves."""
    acting = "tools" in short
    system = {"role": "system", "content": _system_prompt("acting" if acting else "triage")}
    request: dict[str, Any] = {"messages": [system, *short["messages"]]}
    if acting:
        request["tools"] = [read_tools()[name] for name in short["tools"]]
    return request


def read_training() -> list[dict[str, str]]:
    """What the statistical models learn from: rows of text, intent, priority and language; none is a sample."""
    return _read_lines("training.jsonl")


def read_taxonomy() -> list[dict[str, Any]]:
    """The demo's error types, parents before their children: code, name, definition, severity, parent."""
    rows: list[dict[str, Any]] = json.loads((DATA / "taxonomy.json").read_text(encoding="utf-8"))
    return rows


@cache
def read_tools() -> dict[str, dict[str, Any]]:
    """The five tools of the support desk by name, in OpenAI's form."""
    tools = json.loads((DATA / "tools.json").read_text(encoding="utf-8"))
    return {tool["function"]["name"]: tool for tool in tools}


@cache
def _system_prompt(task: str) -> str:
    return (DATA / f"system_prompt_{task}.txt").read_text(encoding="utf-8").strip()


def _read_lines(name: str) -> list[dict[str, Any]]:
    # Not splitlines(): it also breaks at U+2028 and the like, which a customer may write.
    lines = (DATA / name).read_text(encoding="utf-8").split("\n")
    return [json.loads(line) for line in lines if line]


def main() -> None:
    """Print every sample whole, one JSON object per line."""
    for sample in read_samples():
        sys.stdout.write(json.dumps(sample, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
