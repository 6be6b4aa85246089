"""OpenAI-compatible endpoints: which address a call goes to, and whether the key may go there.

A configuration can come from somebody else, so an address in it must not be able to carry a key off.
The key of `OPENAI_API_KEY` (and whatever `OPENAI_CUSTOM_HEADERS` holds) goes to

- https://api.openai.com,
- the scheme, host and port of `OPENAI_BASE_URL`, which belongs to this machine's user,
- this machine itself (localhost, 127.0.0.0/8, ::1),
- hosts listed in `DEMPO_KEY_HOSTS` (separated by commas, each `host` or `host:port`).

Any other address is refused while a key is set, and used without one where none is. Redirects are not
followed. Addresses are shown and hashed without user info and query; keys are cut out of every text
that came back from an endpoint.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import SplitResult, urlsplit

from core.errors import JudgeError
from core.evaluation.deadline import Allowance, bound
from core.facts.judging.requests import ADDRESS_VARIABLE, DEFAULT_ADDRESS, address_of

KEY_HOSTS = "DEMPO_KEY_HOSTS"
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True)
class Endpoint:
    """Where calls go. `url` holds neither user info nor query; `key` is empty where none may or need be sent."""

    url: str
    key: str = field(repr=False)
    local: bool

    @property
    def name(self) -> str:
        """Scheme, host and port, for people."""
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc}"

    def scrub(self, text: str) -> str:
        """The text without the key, in case the other side repeats it."""
        return text.replace(self.key, "[key]") if self.key else text


def resolve(base_url: str | None, environment: Mapping[str, str]) -> Endpoint:
    """The endpoint for a configured address (None: `OPENAI_BASE_URL`, else OpenAI's).

    Raises:
        JudgeError: the address cannot be used, or a key is set that must not go there, or one is missing.
    """
    url = address_of(base_url, environment)
    parts = _checked(url)
    key = environment.get("OPENAI_API_KEY", "").strip()
    local = _is_loopback(parts.hostname or "")
    endpoint = Endpoint(url, key, local)
    secret = key or environment.get("OPENAI_CUSTOM_HEADERS", "")
    if not secret and _origin(parts) == _origin(urlsplit(DEFAULT_ADDRESS)):
        raise JudgeError(f"{endpoint.name} needs a key: set OPENAI_API_KEY, or name another endpoint in base_url")
    if secret and not _confirmed(parts, local, environment):
        raise JudgeError(
            f"the configuration's base_url names {endpoint.name}, and OPENAI_API_KEY was not set for it; to send "
            f"the key there, put {parts.hostname} into {KEY_HOSTS} (or the address into OPENAI_BASE_URL); "
            "to use it without a key, unset OPENAI_API_KEY and OPENAI_CUSTOM_HEADERS"
        )
    return endpoint


def open_client(endpoint: Endpoint, timeout: float, allowance: Allowance) -> Any:
    """A client of the openai package that neither retries nor follows redirects: both are ours to count.

    Its connections keep to the allowance of the thread that sends a request.
    """
    import openai

    # A proxy is for hosts elsewhere; a call to this machine must not leave it.
    http_client = openai.DefaultHttpxClient(follow_redirects=False, trust_env=not endpoint.local, timeout=timeout)
    bound(http_client, allowance)
    client = openai.OpenAI(
        api_key=endpoint.key or "none",
        base_url=endpoint.url,
        max_retries=0,
        timeout=timeout,
        http_client=http_client,
    )
    if not endpoint.key:
        # They come from the environment and say who somebody is.
        client.organization = None
        client.project = None
    return client


def _checked(url: str) -> SplitResult:
    """The parts of an address that can be used."""
    try:
        parts = urlsplit(url)
        usable = parts.scheme in _PORTS and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise JudgeError("base_url (or OPENAI_BASE_URL) is not an address like https://host/v1")
    if parts.username is not None or parts.password is not None or parts.query or parts.fragment:
        raise JudgeError(
            f"the address of {parts.scheme}://{parts.hostname} holds user info, a query or a fragment, which would "
            "end up in the record; leave them out, and put the key into OPENAI_API_KEY"
        )
    return parts


def _confirmed(parts: SplitResult, local: bool, environment: Mapping[str, str]) -> bool:
    if local:
        return True
    own = [urlsplit(DEFAULT_ADDRESS)]
    if environment.get(ADDRESS_VARIABLE):
        own.append(urlsplit(environment[ADDRESS_VARIABLE]))
    if _origin(parts) in [_origin(address) for address in own]:
        return True
    listed = [entry.strip().lower() for entry in environment.get(KEY_HOSTS, "").split(",")]
    host, port = (parts.hostname or "").lower(), _origin(parts)[2]
    return host in listed or f"{host}:{port}" in listed


def _origin(parts: SplitResult) -> tuple[str, str, int]:
    return parts.scheme, (parts.hostname or "").lower(), parts.port or _PORTS.get(parts.scheme, 0)


def _is_loopback(host: str) -> bool:
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
