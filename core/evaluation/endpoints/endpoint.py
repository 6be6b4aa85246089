"""OpenAI-compatible endpoints: which address a call goes to, and with which key.

Whether a key may go there is said in `key_hosts`. An address that may not have it is refused while it
is set. Judges with a `base_url` alone take `OPENAI_API_KEY` where it is set, and go without a key where it is not. An
endpoint that is defined under a name says which key it takes (`key_env`), so one that is not set is refused; with
`key_env = ""` it is used without any. Redirects are not followed. Addresses are shown and hashed without user info and
query; an endpoint's key is cut out of every text that came back from it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import SplitResult, urlsplit

from core.asking.address import address_parts
from core.config import RunConfig, resolved
from core.errors import JudgeError
from core.evaluation.endpoints.deadline import Allowance, bound
from core.evaluation.endpoints.key_hosts import OPENAI_KEY, is_loopback, is_openai, refusal
from core.facts.judging.endpoints import endpoint_of
from core.facts.judging.requests import ADDRESS_VARIABLE, address_of
from core.sections.models_asked import AskedModel

CUSTOM_HEADERS = "OPENAI_CUSTOM_HEADERS"
"""What the openai package adds to every request; it may hold a key as well."""


@dataclass(frozen=True)
class Endpoint:
    """Where calls go. `url` holds neither user info nor query; `key` is empty where none may or need be sent.

    `variable` is the one that holds the key, "" where the endpoint is used without one.
    """

    url: str
    key: str = field(repr=False)
    local: bool
    variable: str = OPENAI_KEY

    @property
    def name(self) -> str:
        """Scheme, host and port, for people."""
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc}"

    @property
    def remedy(self) -> str:
        """What to do where it wants a key and got none."""
        return f"set {self.variable}" if self.variable else "name the variable that holds one in key_env"

    def scrub(self, text: str) -> str:
        """The text without the key, in case the other side repeats it."""
        return text.replace(self.key, "[key]") if self.key else text


def endpoint_for(config: RunConfig, asked: AskedModel, environment: Mapping[str, str]) -> Endpoint:
    """The endpoint of a judge, or of who writes questions.

    Raises:
        JudgeError: as `resolve` says.
    """
    entry = endpoint_of(asked.model_dump(), resolved(config))
    return resolve(entry.get("base_url"), environment, entry.get("key_env", OPENAI_KEY), entry.get("name", ""))


def resolve(
    base_url: str | None, environment: Mapping[str, str], variable: str = OPENAI_KEY, defined: str = ""
) -> Endpoint:
    """The endpoint for a configured address (None: `OPENAI_BASE_URL`, else OpenAI's).

    Args:
        variable: the one that holds the key; "" for none.
        defined: the name under which the configuration defines the endpoint; "" for an address alone.

    Raises:
        JudgeError: the address cannot be used, or a key is set that must not go there, or one is missing.
    """
    url = address_of(base_url, environment)
    try:
        parts = address_parts(url)
    except ValueError as error:
        raise JudgeError(f"base_url (or {ADDRESS_VARIABLE}): {error}") from None
    key = environment.get(variable, "").strip()
    endpoint = Endpoint(url, key, is_loopback(parts.hostname or ""), variable)
    place = f"endpoint {defined!r} ({endpoint.name})" if defined else endpoint.name
    if not key and not (variable == OPENAI_KEY and environment.get(CUSTOM_HEADERS)):
        _require_no_key(endpoint, parts, place, defined)
        return endpoint
    refused = refusal(variable, parts, environment)
    if refused:
        secret = f"the key in {variable}" if key else f"what {CUSTOM_HEADERS} holds"
        raise JudgeError(f"by the configuration, {place} would get {secret}: {refused}; {_keyless(defined)}")
    if not (key.isascii() and key.isprintable()):
        raise JudgeError(f"the key in {variable} holds a character that no request can carry; set {variable} again")
    return endpoint


def _require_no_key(endpoint: Endpoint, parts: SplitResult, place: str, defined: str) -> None:
    """Refuses an endpoint that needs a key, or is said to take one, where there is none."""
    if is_openai(parts):
        raise JudgeError(f"{place} needs a key: {endpoint.remedy}, or name another endpoint in base_url")
    if defined and endpoint.variable:
        raise JudgeError(f"{place} needs a key: {endpoint.remedy}; {_keyless(defined)}")


def _keyless(defined: str) -> str:
    """How a place is used without any key."""
    named = f"give endpoint {defined!r}" if defined else "define it in [[endpoints]] with"
    return f'to use it without a key, {named} key_env = ""'


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
    # All of this comes from the environment and says who somebody is: it goes where OPENAI_API_KEY goes.
    if endpoint.variable != OPENAI_KEY:
        client._custom_headers = {}
    if endpoint.variable != OPENAI_KEY or not endpoint.key:
        client.organization = None
        client.project = None
    return client
