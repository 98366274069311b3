"""One call, as tests make it."""

from __future__ import annotations

import asyncio

from evalhub.candidates.calling import Reply, call, open_session
from evalhub.candidates.prompting import build_body

KEY = "sk-proj-7Yq/2b+Zx9-secret-ABCD"
PLAN = {
    "base_url": "",
    "model": "echo",
    "system_prompt": "",
    "template": "",
    "temperature": None,
    "max_tokens": None,
    "response_format": None,
    "tools": None,
    "streams": False,
    "timeout_seconds": 10,
    "input_price": "0.15",
    "output_price": "0.60",
}


def ask(url: str, model: str, text: str = "hello", *, key: str | None = KEY, **changes: object) -> Reply:
    """One call of this model with a user message, under PLAN with these changes."""
    plan = PLAN | {"base_url": url, "model": model} | changes
    body = build_body(plan, {"messages": [{"role": "user", "content": text}]})

    async def once() -> Reply:
        async with open_session(4) as session:
            return await call(session, plan, key, body)

    return asyncio.run(once())
