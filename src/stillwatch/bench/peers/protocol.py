"""The interface of a peer: a frozen struct of settings that gives every account of a log one number."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Protocol, Self

from stillwatch.bench.peers.log import Float, Labelled, Log

BUDGET = 12  # candidates a peer may try on the fitting worlds, its published settings among them; the same for all


class Peer(Protocol):
    """One published method. Its fields are its settings; the defaults are those its authors give.

    ``source``: who, where, year. ``published``: the threshold on ``score`` that its authors give, None if they leave it
    to the user. ``replaces``: what of the method could not be kept, in one line.
    """

    name: ClassVar[str]
    source: ClassVar[str]
    published: ClassVar[float | None]
    replaces: ClassVar[str]

    def candidates(self) -> Sequence[Self]:
        """Settings to try, ``self`` first, at most ``BUDGET``."""
        ...

    def learn(self, worlds: Sequence[Labelled]) -> Self:
        """With whatever history the method asks for, taken from the fitting worlds; most return themselves."""
        ...

    def score(self, log: Log) -> Float:
        """float64[accounts], finite, higher is more suspicious. Deterministic: the same log gives the same bytes."""
        ...
