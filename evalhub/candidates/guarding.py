"""Which addresses endpoints may have: a base URL must not make EvalHub's machine ask its own network.

Checked when an endpoint is saved, before each call, and on the addresses that a name turns out to have, which are then
the ones connected to. Private addresses open by EVALHUB_PRIVATE_ENDPOINTS only; those by which clouds hand out
credentials never do.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from django.conf import settings

from evalhub.errors import EvalHubError

# One strict grammar, so that no two parsers can disagree about the host: no userinfo, query, fragment, backslash,
# percent-encoding or letter outside ASCII.
URL = re.compile(
    r"(?P<scheme>https?)://(?P<host>\[[0-9a-f:.]{2,45}\]|[a-z0-9_](?:[a-z0-9_.-]{0,252}[a-z0-9_.])?)"
    r"(?::(?P<port>[0-9]{1,5}))?(?P<path>(?:/[a-z0-9._~!$&'()*+,;=:@-]*)*)",
    re.IGNORECASE | re.ASCII,
)
NEVER = tuple(
    ip_network(network)
    for network in (
        "169.254.0.0/16",  # link-local; 169.254.169.254 is the metadata service of most clouds
        "fe80::/10",
        "fd00:ec2::/32",  # metadata, AWS
        "fd20:ce::/32",  # metadata, Google
        "100.100.100.200/32",  # metadata, Alibaba
        "168.63.129.16/32",  # host agent, Azure; a public address by its looks
        "192.0.0.192/32",  # metadata, Oracle
    )
)
# Site-local and local NAT64: not global by their meaning, yet global by Python's tables.
LOCAL = ip_network("fec0::/10"), ip_network("64:ff9b:1::/48")
EMBEDDED_IPV4 = ip_network("64:ff9b::/96"), ip_network("::/96")
RESOLVING_SECONDS = 3

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network


class AddressError(EvalHubError):
    """The base URL is not one that EvalHub may call."""


@dataclass(frozen=True)
class Place:
    """Where a base URL points to: host in lower case without brackets, and port."""

    host: str
    port: int
    is_literal: bool

    @property
    def is_listed(self) -> bool:
        """Whether the deployment opens this host although its address is private."""
        named = f"[{self.host}]" if ":" in self.host else self.host
        listed = {entry.strip().lower() for entry in settings.PRIVATE_ENDPOINTS}
        return not listed.isdisjoint({"*", self.host, named, f"{named}:{self.port}"})


def check_url(base_url: str) -> Place:
    """The place of a base URL. Raises AddressError unless it is plain http(s) to a name or an address that is allowed.

    What a name resolves to is not looked at here: see ``check_addresses``, which the connection goes through.
    """
    return checked_place(base_url, tuple(settings.PRIVATE_ENDPOINTS))


@lru_cache(maxsize=1_000)
def checked_place(base_url: str, _private_endpoints: tuple[str, ...]) -> Place:
    """``check_url``, remembered as long as the setting stays: before each call it would be a tenth of the call."""
    place = parse_url(base_url)
    if place.is_literal:
        check_address(place, ip_address(place.host))
    return place


def check_url_and_name(base_url: str) -> None:
    """``check_url``, and what the name resolves to now. A name that cannot be resolved now passes: a call will tell."""
    place = check_url(base_url)
    if place.is_literal:
        return
    # getaddrinfo knows no time limit, and nobody should wait for a form longer than this.
    with_limit = ThreadPoolExecutor(max_workers=1)
    try:
        found = with_limit.submit(socket.getaddrinfo, place.host, place.port, type=socket.SOCK_STREAM)
        addresses = [str(entry[4][0]) for entry in found.result(timeout=RESOLVING_SECONDS)]
    except (OSError, UnicodeError, TimeoutError):
        return
    finally:
        with_limit.shutdown(wait=False)
    check_addresses(place, addresses)


def parse_url(base_url: str) -> Place:
    found = URL.fullmatch(base_url)
    if found is None:
        raise AddressError(
            "This is not a plain address. Write it as https://host/v1: http or https, a host in ASCII letters, "
            "without user name, question mark or number sign."
        )
    port = int(found["port"] or (443 if found["scheme"].lower() == "https" else 80))
    if not 0 < port < 65_536:
        raise AddressError(f"There is no port {port}. Ports go from 1 to 65535.")
    host = found["host"].lower()
    if host.startswith("["):
        return Place(str(ipv6_address(host[1:-1])), port, is_literal=True)
    if is_canonical_ipv4(host):
        return Place(host, port, is_literal=True)
    if reads_as_ipv4(host):
        raise AddressError(f"Write the address {host} as four decimal numbers, such as 203.0.113.7.")
    return Place(host, port, is_literal=False)


def ipv6_address(text: str) -> IPv6Address:
    try:
        return IPv6Address(text)
    except ValueError:
        raise AddressError(f"[{text}] is not an IPv6 address.") from None


def is_canonical_ipv4(host: str) -> bool:
    try:
        IPv4Address(host)
    except ValueError:
        return False
    return True


def reads_as_ipv4(host: str) -> bool:
    """Whether the system would take this for an address: 127.1, 0x7f000001, 2130706433, 0177.0.0.1."""
    try:
        socket.inet_aton(host.rstrip("."))
    except OSError:
        last_label = host.rstrip(".").rpartition(".")[2]
        return bool(re.fullmatch(r"[0-9]+|0x[0-9a-f]*", last_label))
    return True


def check_addresses(place: Place, addresses: Sequence[str]) -> None:
    """Raise AddressError if any address of the name may not be asked: a name with a good and a bad one is bad."""
    for address in addresses:
        check_address(place, ip_address(address.partition("%")[0]))


def check_address(place: Place, address: Address) -> None:
    inner = unwrapped(address)
    at = place.host if place.is_literal else f"{place.host}, which is {address},"
    if is_in(NEVER, address) or is_in(NEVER, inner):
        raise AddressError(f"{at} is an address of machines' own services and is never called. Use another base URL.")
    if not (is_public(address) and is_public(inner)) and not place.is_listed:
        raise AddressError(
            f"{at} is a private address. If a model of yours is served there, whoever runs EvalHub can allow it: "
            f"the setting EVALHUB_PRIVATE_ENDPOINTS has to name {place.host}."
        )


def unwrapped(address: Address) -> Address:
    """The IPv4 address inside an IPv6 one (mapped, 6to4, Teredo, NAT64, compatible); else the address itself."""
    if isinstance(address, IPv4Address):
        return address
    inner = address.ipv4_mapped or address.sixtofour or (address.teredo and address.teredo[1])
    if inner:
        return inner
    if is_in(EMBEDDED_IPV4, address) and int(address) > 1:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address


def is_in(networks: Iterable[Network], address: Address) -> bool:
    return any(address in network for network in networks)


def is_public(address: Address) -> bool:
    is_odd = address.is_multicast or address.is_reserved or address.is_unspecified
    return address.is_global and not is_odd and not is_in(LOCAL, address)
