"""What is asked over the network: [[endpoints]], their limits and prices, and whoever is asked there."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import AfterValidator, Field, field_validator, model_validator

from core.asking.request_extras import checked_body, checked_headers
from core.sections.section import (
    Address,
    Identifier,
    Money,
    Place,
    Section,
)


class PriceSection(Section):
    """What a model costs, in the currency of whoever writes it down: per million tokens of prompt and of reply.

    `cached_input` is for tokens of a prompt that the endpoint took from its cache; they cost as others where left out.
    """

    input: Money
    output: Money
    cached_input: Money | None = None


class LimitsSection(Section):
    """What an endpoint bears: kept before it has to say so."""

    requests_per_minute: int | None = Field(default=None, ge=1)
    tokens_per_minute: int | None = Field(default=None, ge=1, description="of prompts and replies together")
    concurrency: int | None = Field(default=None, ge=1, description="requests in flight, of all who are asked there")


class EndpointSection(Section):
    """An OpenAI-compatible endpoint that judges, and who writes questions, name; without an address it is the default.

    `key_env` names the variable of the environment that holds its key, "" where it is used without one. `limits` hold
    for all who are asked at its address with its key; `price` is that of its models, unless whoever asks one says
    another.
    """

    name: Identifier
    base_url: Address | None = None
    key_env: str = "OPENAI_API_KEY"
    limits: LimitsSection | None = None
    price: PriceSection | None = None

    @field_validator("key_env")
    @classmethod
    def _names_a_variable(cls, value: str) -> str:
        if not re.fullmatch("([A-Z][A-Z0-9_]*)?", value):
            raise ValueError(
                "this is no name of a variable (capital letters, digits and _); it names the variable of the "
                "environment that holds the key, and is never the key itself"
            )
        return value


class AskedModel(Section):
    """Where a model is asked: at an endpoint that is defined under a name, or at an address; and what goes with it."""

    base_url: Address | None = None
    endpoint: str | None = Field(default=None, description="name of one of the endpoints, in place of base_url")
    extra_body: Annotated[dict[str, Any] | None, AfterValidator(checked_body)] = Field(
        default=None, description="fields that every request has beside its own; part of what is asked"
    )
    headers: Annotated[dict[str, str] | None, AfterValidator(checked_headers)] = Field(
        default=None, description="headers of every request; recorded, so never a key"
    )
    price: PriceSection | None = Field(default=None, description="of this model, in place of its endpoint's")

    prompt: Place | None = Field(default=None, description="file of the words to ask by; read once, into template")
    template: str | None = Field(default=None, description="the words of that file, as prompts are made of them")

    @model_validator(mode="after")
    def _one_place(self) -> AskedModel:
        if self.base_url is not None and self.endpoint is not None:
            raise ValueError("give endpoint or base_url, not both; the endpoint has an address of its own")
        return self
