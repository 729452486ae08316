"""Whose connection it is, as far as an address tells."""

from __future__ import annotations

import ipaddress
from collections.abc import Collection, Sequence

IPV6_PREFIX = 64
"""Of IPv6 whoever has one address has at least so large a network."""


def client_address(peer: str, forwarded_for: Sequence[str], trusted: Collection[str]) -> str:
    """The address of the client: ``peer``, or what a trusted proxy says in ``X-Forwarded-For`` headers.

    Those list hops from the left; only what trusted proxies wrote is believed, from the right.
    """
    address = _plain(peer)
    for hop in reversed([hop.strip() for line in forwarded_for for hop in line.split(",")]):
        if address not in trusted:
            break
        if (further := _plain(hop)) == "":
            break
        address = further
    return address


def network_of(address: str) -> str:
    """Who is counted together: an IPv4 address, or the network of an IPv6 address."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return address
    if ip.version == 4:
        return str(ip)
    return str(ipaddress.ip_network((ip, IPV6_PREFIX), strict=False))


def _plain(address: str) -> str:
    """IPv4 that was mapped into IPv6 as IPv4, without a zone; "" for what is no address."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return ""
    mapped = ip.ipv4_mapped if isinstance(ip, ipaddress.IPv6Address) else None
    return str(mapped or ip)
