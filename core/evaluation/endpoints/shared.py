"""What all who are asked at one endpoint in a stage have in common: its pace, and the shape of request it accepts."""

from __future__ import annotations

from collections.abc import Mapping

from core.config import RunConfig
from core.evaluation.endpoints.dialect import Dialect
from core.evaluation.endpoints.endpoint import Endpoint
from core.evaluation.endpoints.pace import Pace
from core.evaluation.endpoints.turns import Limits
from core.facts.judging.requests import address_of


class Learned:
    """The shape of request that one model at one address accepts, as far as it is known."""

    def __init__(self, dialect: Dialect) -> None:
        self.dialect = dialect


class Shared:
    """The endpoints of one stage.

    A pace is that of an address and of the variable that holds the key: two accounts at one address have limits of
    their own. What `endpoints` says of its limits holds for whoever is asked there, also by `base_url`.
    """

    def __init__(self, config: RunConfig, environment: Mapping[str, str]) -> None:
        self._limits: dict[tuple[str, str], Limits] = {}
        self._paces: dict[tuple[str, str], Pace] = {}
        self._learned: dict[tuple[str, str, Dialect], Learned] = {}
        for entry in config.endpoints:
            place = address_of(entry.base_url, environment), entry.key_env
            own = Limits(**entry.limits.model_dump()) if entry.limits else Limits()
            self._limits[place] = own.and_also(self._limits.get(place, Limits()))

    def pace(self, endpoint: Endpoint, most: int, patience: float) -> Pace:
        """The pace of an endpoint, for one who wants at most so many requests in flight; `patience` is in seconds."""
        place = endpoint.url, endpoint.variable
        if place not in self._paces:
            self._paces[place] = Pace(most, patience, limits=self._limits.get(place))
        self._paces[place].begin(most)
        return self._paces[place]

    def learned(self, endpoint: Endpoint, model: str, first: Dialect) -> Learned:
        """What was learned of a model that is asked in a first shape, and will be; to be written to."""
        return self._learned.setdefault((endpoint.url, model, first), Learned(first))
