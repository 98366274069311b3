"""The embedded servers for the time of one command of manage.py."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext

# Those that never look at the database, and those that start the servers themselves.
WITHOUT_SERVERS = frozenset(
    {
        *("", "help", "version", "check", "collectstatic", "findstatic", "diffsettings", "startapp", "serve", "demo"),
        *("bench", "makemessages", "compilemessages"),
    }
)


def servers_for(arguments: Sequence[str]) -> AbstractContextManager[None]:
    """Have the embedded servers run while the command with these arguments does, if it may want them.

    Ones that run already are used and left running. DATABASE_URL and REDIS_URL keep them away.
    """
    words = [word for word in arguments if not word.startswith("-")]
    asks_for_help = {"--help", "-h", "--version"} & set(arguments)
    if asks_for_help or (words[0] if words else "") in WITHOUT_SERVERS:
        return nullcontext()
    from evalhub.serving.embedded import running_servers, wanted_by_environment
    from evalhub.serving.places import home_from_environment

    return running_servers(home_from_environment(), wanted=wanted_by_environment())
