"""``evalhub report``: the report on two runs as a file, which is there whole or not at all."""

from __future__ import annotations

import uuid
from argparse import Namespace
from pathlib import Path
from urllib.parse import urlencode

from evalhub.client.exporting import STANDARD_OUTPUT, copy_to_output
from evalhub.client.outcomes import ClientFault, Exit
from evalhub.client.server import Server
from evalhub.client.telling import Teller, size


async def report(server: Server, options: Namespace, teller: Teller) -> Exit:
    asked = {"baseline": options.baseline, "format": options.format}
    if options.as_of is not None:
        asked["as_of"] = options.as_of
    target = Path(options.output or f"report-runs-{options.baseline}-{options.run}.{options.format}")
    to_output = options.output == STANDARD_OUTPUT
    if to_output:
        target = Path(f"evalhub-{uuid.uuid4()}")
    part = target.with_name(f".{target.name}.{uuid.uuid4().hex[:8]}.part")
    try:
        count = await server.fetch(
            f"/runs/{options.run}/report?{urlencode(asked)}",
            part,
            lambda done, _total: teller.progress(f"Fetching: {size(done)}"),
        )
        if to_output:
            copy_to_output(part)
        else:
            part.replace(target)
    except OSError as error:
        raise ClientFault(f"{target} cannot be written: {error.strerror}.", Exit.WRONG_USE) from error
    finally:
        part.unlink(missing_ok=True)
    if not to_output:
        teller.say(f"{target}: {size(count)}.")
        teller.result({"file": str(target), "size": count})
    return Exit.DONE
