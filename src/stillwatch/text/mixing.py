"""The mixing steps of every key: inlined into the kernels, twins of those in ``plain``."""

from __future__ import annotations

from typing import Any

import numpy as np

from stillwatch.text import hashing as hs
from stillwatch.text.machine import inlined

U = np.uint64
_WORD_SEED, _WORD_MIX, _CHAIN, _FINAL = U(hs.WORD_SEED), U(hs.WORD_MIX), U(hs.CHAIN), U(hs.FINAL)
_SIGN_SEED, _SIGN_MIX = U(hs.SIGN_SEED), U(hs.SIGN_MIX)
_PAIR_LEFT, _PAIR_RIGHT = U(hs.PAIR_LEFT), U(hs.PAIR_RIGHT)


@inlined
def update(state: Any, value: Any) -> Any:
    """A running key with one more value."""
    state = (state ^ value) * _CHAIN
    return state ^ (state >> U(29))


@inlined
def sign_of(code: Any) -> Any:
    """The value of one sign or character."""
    value = (U(code) + _SIGN_SEED) * _SIGN_MIX
    return value ^ (value >> U(32))


@inlined
def pair_of(left: Any, right: Any) -> Any:
    """The value of two neighbours."""
    value = left * _PAIR_LEFT + right * _PAIR_RIGHT
    return value ^ (value >> U(31))


@inlined
def mix(state: Any, chunk: Any) -> Any:
    """The hash of a word with eight more of its bytes."""
    state = (state ^ chunk) * _WORD_MIX
    return state ^ (state >> U(32))


@inlined
def key_of(state: Any) -> Any:
    """A running key as it is kept; never 0."""
    state = (state ^ (state >> U(32))) * _FINAL
    state ^= state >> U(29)
    return state if state != U(0) else U(1)
