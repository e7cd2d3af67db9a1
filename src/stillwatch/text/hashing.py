"""Constants of every hash in a fingerprint. Changing one changes every key: raise ``VERSION`` with it.

The multipliers are odd 64-bit numbers drawn once from ``random.Random(20260223)``; nothing depends on their values
beyond being odd and well mixed.
"""

from __future__ import annotations

import random

VERSION = 1

_draw = random.Random(20260223)


def _odd() -> int:
    return _draw.getrandbits(64) | 1


WORD_SEED, WORD_MIX = _odd(), _odd()
SIGN_SEED, SIGN_MIX = _odd(), _odd()
CHAIN, FINAL = _odd(), _odd()
PAIR_LEFT, PAIR_RIGHT = _odd(), _odd()
TEXT_SEED, SHAPE_SEED, SENTENCE_SEED = _odd(), _odd(), _odd()
NUMBER, QUOTED, URL, CODE = _odd(), _odd(), _odd(), _odd()
SHINGLE = (_odd(), _odd(), _odd())
START = _odd()  # the word before the first

SENTENCE_WORDS = 4  # shorter sentences name nothing
SENTENCE_EDGE = 4  # sentences kept at either end
WORD_EDGE = 128  # words kept at either end for near keys, gist and classifiers
CODE_PAIRS = frozenset(["()", "){", "):", "==", "=>", "->", "+=", "</", "/>", "};", ");", "&&", "||", "::"]) | {
    "{\n",
    ";\n",
}
CODE_MARKS = 3  # pairs such as `);` that make a text count as code, without a fence
ENDINGS = frozenset(map(ord, ".!?"))

NEAR_HASHES = 8
NEAR_XORS = tuple(_draw.getrandbits(32) for _ in range(NEAR_HASHES))
NEAR_MIXES = tuple(_draw.getrandbits(32) | 1 for _ in range(NEAR_HASHES))
