"""What a model sees of a request: the customer's newest message, its own part of it, and the conversation before."""

import re
from dataclasses import dataclass
from typing import Any

# Where somebody else's words begin: a quoted line, or the line that mail programs put above a forwarded message.
QUOTE_START = re.compile(
    r"^(>|-{4,}.*(message|messaggio|nachricht|message transféré|mensaje|bericht).*|-{4,}\s*$)", re.I | re.M
)


@dataclass(frozen=True)
class Mail:
    """A request read as mail. ``newest`` is the customer's last message whole, ``own`` the same without quoted mail,
    ``before`` all earlier turns, ``asked`` the support desk's last turn; ``tools`` are the names on offer."""

    newest: str
    own: str
    before: str
    asked: str
    tools: tuple[str, ...]

    @property
    def whole(self) -> str:
        """The conversation, oldest turn first."""
        return f"{self.before}\n{self.newest}".strip()


def read_mail(request: dict[str, Any]) -> Mail:
    """Read a chat request; system and developer messages are skipped, since these models cannot follow instructions."""
    turns = [message for message in request["messages"] if message["role"] not in ("system", "developer")]
    last_user = max((i for i, turn in enumerate(turns) if turn["role"] == "user"), default=len(turns) - 1)
    newest = content_text(turns[last_user]) if turns else ""
    before = [content_text(turn) for turn in turns[:last_user]]
    asked = [content_text(turn) for turn in turns[:last_user] if turn["role"] == "assistant"]
    quote = QUOTE_START.search(newest)
    return Mail(
        newest=newest,
        own=newest[: quote.start()] if quote else newest,
        before="\n".join(before),
        asked=asked[-1] if asked else "",
        tools=tuple(tool["function"]["name"] for tool in request.get("tools") or ()),
    )


def content_text(message: dict[str, Any]) -> str:
    """The text of a chat message, whose content is a string, a list of text parts, or null."""
    content = message.get("content")
    if isinstance(content, list):
        return "\n".join(part.get("text", "") for part in content)
    return content or ""
