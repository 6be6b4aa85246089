"""Where a key may go. A configuration can come from somebody else, so nothing in it can carry a key off.

The key in `OPENAI_API_KEY` goes to

- https://api.openai.com,
- the scheme, host and port of `OPENAI_BASE_URL`, which belongs to this machine's user,
- this machine itself (localhost, 127.0.0.0/8, ::1),
- hosts listed in `DEMPO_KEY_HOSTS` (separated by commas, each `host` or `host:port`).

`OPENAI_CUSTOM_HEADERS`, organization and project go where this key is meant to go, and nowhere else. Any other variable
goes to hosts listed for it alone: `VARIABLE@host` or `VARIABLE@host:port`. That is so on this machine, too: others may
listen there, and a configuration can name any variable, `AWS_SECRET_ACCESS_KEY` as well as a judge's key. No key goes
over plain http beyond this machine, whatever is listed: whoever stands on the way could read it.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from contextlib import suppress
from urllib.parse import SplitResult, urlsplit

from core.asking.address import PORTS
from core.facts.judging.requests import ADDRESS_VARIABLE, DEFAULT_ADDRESS

KEY_HOSTS = "DEMPO_KEY_HOSTS"
OPENAI_KEY = "OPENAI_API_KEY"


def refusal(variable: str, address: SplitResult, environment: Mapping[str, str]) -> str:
    """Why the key in a variable must not be sent to an address, and what to do; "" where it may be sent."""
    local = is_loopback(address.hostname or "")
    if address.scheme == "http" and not local:
        return (
            "no key is sent over plain http beyond this machine, since whoever stands on the way could read it; give "
            "an https address, or reach the server by a tunnel that begins on this machine (ssh -L)"
        )
    own = variable == OPENAI_KEY and (local or origin(address) in _own_origins(environment))
    if own or _is_listed(variable, address, environment.get(KEY_HOSTS, "")):
        return ""
    base = f" (or the address into {ADDRESS_VARIABLE})" if variable == OPENAI_KEY else ""
    return (
        f"{variable} was not set for it; to send the key there, put {_entry(variable, address)} into {KEY_HOSTS}{base}"
    )


def is_openai(address: SplitResult) -> bool:
    """Whether an address is OpenAI's own, which answers nobody without a key."""
    return origin(address) == origin(urlsplit(DEFAULT_ADDRESS))


def is_loopback(host: str) -> bool:
    """Whether a host is this machine."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def origin(address: SplitResult) -> tuple[str, str, int]:
    """Scheme, host and port."""
    return address.scheme, (address.hostname or "").lower(), address.port or PORTS.get(address.scheme, 0)


def _own_origins(environment: Mapping[str, str]) -> list[tuple[str, str, int]]:
    """OpenAI's, and that of the user's own address; one that cannot be read is none."""
    own = [origin(urlsplit(DEFAULT_ADDRESS))]
    with suppress(ValueError):
        own.append(origin(urlsplit(environment.get(ADDRESS_VARIABLE, ""))))
    return own


def _is_listed(variable: str, address: SplitResult, listed: str) -> bool:
    """Whether an entry names variable and host; one without a variable means `OPENAI_API_KEY`."""
    host = _host(address)
    places = (host, f"{host}:{origin(address)[2]}")
    for entry in listed.split(","):
        name, _, place = entry.strip().rpartition("@")
        if (name or OPENAI_KEY) == variable and place.lower() in places:
            return True
    return False


def _entry(variable: str, address: SplitResult) -> str:
    """What has to be listed, no wider than it need be."""
    place = _host(address) if address.port is None else f"{_host(address)}:{address.port}"
    return place if variable == OPENAI_KEY else f"{variable}@{place}"


def _host(address: SplitResult) -> str:
    """A host as an address writes it: one of IPv6 in brackets."""
    host = (address.hostname or "").lower()
    return f"[{host}]" if ":" in host else host
