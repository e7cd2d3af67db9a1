"""What accounts leave behind that others may leave too: addresses, cards, prompt openings, system prompts."""

from __future__ import annotations

import re

import numpy as np
from scipy import sparse

from stillwatch.bench.peers.groups import codes, incidence
from stillwatch.bench.peers.log import Log
from stillwatch.bench.peers.words import plain

OPENING_WORDS = 6  # a wrapper's first words; few people open twice with the same six
VIEWS = ("address", "payment", "template")
DIGITS = re.compile(r"\d+")


def view(log: Log, name: str) -> sparse.csr_matrix:
    """Binary [accounts x values] of one of ``VIEWS``."""
    count = len(log.names)
    if name == "address":
        return incidence(log.owner, codes(log.texts("client_address")), count)
    if name == "payment":
        return incidence(np.arange(count), codes(log.sign_up("payment_token")), count)
    assert name == "template", name
    openings = incidence(log.owner, codes([opening(text) for text in log.texts("prompt")]), count)
    systems = incidence(log.owner, codes([DIGITS.sub("0", plain(text)) for text in log.texts("system_prompt")]), count)
    return sparse.csr_matrix(sparse.hstack([openings, systems]))


def views(log: Log, names: tuple[str, ...]) -> sparse.csr_matrix:
    """Several views side by side."""
    parts = [log.kept(("view", name), lambda name=name: view(log, name)) for name in names]
    return sparse.csr_matrix(sparse.hstack(parts))


def opening(prompt: str) -> str:
    """The first words of a prompt with its numbers masked; empty for prompts shorter than that."""
    words = DIGITS.sub("0", plain(prompt[:400])).split(" ")
    return " ".join(words[:OPENING_WORDS]) if len(words) > OPENING_WORDS else ""
