"""Opening every page of a project that links lead to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from urllib.parse import urlsplit

from django.urls import resolve

# Addresses that end the session, or whose answer is no page.
SKIPPED = {
    *("projects:sign_out", "evalsets:download", "exports:download", "taxonomy:export"),
    *("taxonomy:report_json", "taxonomy:report_pdf"),
}
LONGEST_WALK = 400
# Of pages with filters there are more addresses than anybody would look at.
MOST_OF_A_KIND = 5
# Marks of charts are links too, whose href is no string.
HREFS = "links => links.map(link => new URL(link.getAttribute('href'), location).href)"


def walk(page, start: str, unlinked: list[str], look: Callable[[str], None]) -> set[str]:
    """Open the page ``start``, those without a link to them, and every page below ``start`` that links lead to.

    Once for each kind of page and query, a few times for pages with many filters. Calls ``look`` with the path of each;
    returns the names of the addresses.
    """
    waiting, seen, names, walked = [start, *unlinked], set(), set(), Counter()
    while waiting and sum(walked.values()) < LONGEST_WALK:
        path = waiting.pop(0)
        page.goto(path)
        page.locator(".htmx-request").first.wait_for(state="detached")  # parts that the page loads are there
        names.add(resolve(urlsplit(page.url).path).view_name)
        look(path)
        for link in page.eval_on_selector_all("a[href]", HREFS):
            address = urlsplit(link)
            short = address.path + (f"?{address.query}" if address.query else "")
            if not address.path.startswith(start) or short in seen:
                continue
            name = resolve(address.path).view_name
            kind = (name, tuple(sorted(part.split("=")[0] for part in address.query.split("&"))))
            if name in SKIPPED or kind in seen or walked[name] == MOST_OF_A_KIND:
                continue
            seen |= {kind, short}
            walked[name] += 1
            waiting.append(short)
    return names
