"""Validates a bundle as a Process Run Crate 0.5 without a network: `python tests/validate_crate.py BUNDLE.zip`.

For the interpreter of an environment that holds roc-validator (0.13 needs rich < 14 and the app a newer one, so it
can't be that of the app). The validator fetches one document, the JSON-LD context of RO-Crate 1.1. It is put into
the validator's cache from `tests/data/ro-crate-1.1-context.jsonld` (CC0, as published at that address), and the
validator runs offline.
"""

from __future__ import annotations

import io
import sys
import tempfile
from pathlib import Path

import requests
import urllib3
from requests_cache import CachedSession
from rocrate_validator.models import Severity, ValidationSettings
from rocrate_validator.services import validate

ADDRESS = "https://w3id.org/ro/crate/1.1/context"
CONTEXT = Path(__file__).parent / "data" / "ro-crate-1.1-context.jsonld"


def fill_cache(cache: Path) -> None:
    """Stores the context as the answer to a request for its address."""
    body, headers = CONTEXT.read_bytes(), {"Content-Type": "application/ld+json"}
    answer = requests.Response()
    answer.status_code, answer.url, answer.encoding = 200, ADDRESS, "utf-8"
    answer.headers.update(headers)
    answer.request = requests.Request("GET", ADDRESS).prepare()
    answer.raw = urllib3.HTTPResponse(
        io.BytesIO(body), headers=headers, status=200, preload_content=False, request_url=ADDRESS
    )
    answer._content = body
    CachedSession(cache_name=str(cache), backend="sqlite", expire_after=-1).cache.save_response(answer)


def main(bundle: str) -> int:
    """Prints every requirement that isn't met; 0 where all are."""
    with tempfile.TemporaryDirectory() as scratch:
        cache = Path(scratch) / "cache"
        fill_cache(cache)
        result = validate(
            ValidationSettings(
                rocrate_uri=bundle,
                profile_identifier="process-run-crate",
                requirement_severity=Severity.REQUIRED,
                offline=True,
                cache_path=cache,
            )
        )
    for issue in result.get_issues():
        print(f"{issue.check.identifier}: {issue.message}")
    return 1 if result.has_issues() else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
