"""Addresses of endpoints: which can be used, and which hold what must not stand in a record."""

from __future__ import annotations

from urllib.parse import SplitResult, urlsplit

PORTS = {"http": 80, "https": 443}
"""The schemes that can be used, with the port of each."""


def address_parts(url: str) -> SplitResult:
    """The parts of an address that can be used.

    Raises:
        ValueError: says what is wrong, and shows nothing that may be secret.
    """
    try:
        parts = urlsplit(url)
        usable = parts.scheme in PORTS and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise ValueError("this is not an address like https://host/v1")
    if parts.username is not None or parts.password is not None or parts.query or parts.fragment:
        raise ValueError(
            f"the address of {parts.scheme}://{parts.hostname} holds user info, a query or a fragment, which would "
            "end up in the record; leave them out, and put the key into a variable of the environment"
        )
    return parts


def plain_address(url: str) -> str:
    """The address as it is, where it can be used and recorded; ValueError as `address_parts` says."""
    address_parts(url)
    return url
