"""Characters: how each code point folds, which class and which writing system it belongs to.

Knows Unicode only as ranges: enough to split words and sentences in any script, to fold case in Latin, Greek, Cyrillic
and Armenian, and to count writing systems. It does not know languages, normal forms (a decomposed accent stays
decomposed) or the full case-folding table.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

# Classes. A SYLLABLE belongs to a script written without spaces; a STOP ends a sentence whatever follows.
SPACE, NEWLINE, LETTER, DIGIT, SYLLABLE, PUNCT, STOP, IGNORE = range(8)

SCRIPTS: tuple[str, ...] = (
    "none",
    "latin",
    "cyrillic",
    "greek",
    "armenian",
    "hebrew",
    "arabic",
    "devanagari",
    "bengali",
    "tamil",
    "telugu",
    "other_indic",
    "thai",
    "lao",
    "myanmar",
    "khmer",
    "georgian",
    "ethiopic",
    "hangul",
    "kana",
    "han",
    "other",
)
_SCRIPT = {name: index for index, name in enumerate(SCRIPTS)}
LATIN, HAN, OTHER = _SCRIPT["latin"], _SCRIPT["han"], _SCRIPT["other"]
CASED_LAST = _SCRIPT["armenian"]  # scripts 1..CASED_LAST have case

_BASIC_PLANE = 0x10000
_SCRIPT_RANGES = (
    (0x41, 0x5A, "latin"),
    (0x61, 0x7A, "latin"),
    (0xAA, 0xAA, "latin"),
    (0xB5, 0xB5, "greek"),
    (0xBA, 0xBA, "latin"),
    (0xC0, 0x24F, "latin"),
    (0x250, 0x2AF, "latin"),
    (0x370, 0x3FF, "greek"),
    (0x400, 0x52F, "cyrillic"),
    (0x531, 0x587, "armenian"),
    (0x5D0, 0x5F4, "hebrew"),
    (0x620, 0x6FF, "arabic"),
    (0x750, 0x77F, "arabic"),
    (0x900, 0x97F, "devanagari"),
    (0x980, 0x9FF, "bengali"),
    (0xA00, 0xB7F, "other_indic"),
    (0xB80, 0xBFF, "tamil"),
    (0xC00, 0xC7F, "telugu"),
    (0xC80, 0xDFF, "other_indic"),
    (0xE00, 0xE7F, "thai"),
    (0xE80, 0xEFF, "lao"),
    (0x1000, 0x109F, "myanmar"),
    (0x10A0, 0x10FF, "georgian"),
    (0x1100, 0x11FF, "hangul"),
    (0x1200, 0x139F, "ethiopic"),
    (0x1780, 0x17FF, "khmer"),
    (0x1C90, 0x1CBF, "georgian"),
    (0x1E00, 0x1EFF, "latin"),
    (0x1F00, 0x1FFF, "greek"),
    (0x3005, 0x3007, "han"),
    (0x3040, 0x30FF, "kana"),
    (0x3130, 0x318F, "hangul"),
    (0x31F0, 0x31FF, "kana"),
    (0x3400, 0x9FFF, "han"),
    (0xAC00, 0xD7AF, "hangul"),
    (0xF900, 0xFAFF, "han"),
    (0xFB50, 0xFDFF, "arabic"),
    (0xFE70, 0xFEFE, "arabic"),
    (0xFF66, 0xFF9F, "kana"),
)
_UNSPACED = ("han", "kana", "thai", "lao", "myanmar", "khmer")
_PUNCTUATION = (
    (0xA1, 0xBF),
    (0xD7, 0xD7),
    (0xF7, 0xF7),
    (0x55A, 0x55F),
    (0x5BE, 0x5BE),
    (0x60C, 0x60D),
    (0x61B, 0x61E),
    (0x66A, 0x66D),
    (0xE3F, 0xE3F),
    (0x2010, 0x2BFF),
    (0x3001, 0x3004),
    (0x3008, 0x303F),
    (0x30FB, 0x30FB),
    (0xFE10, 0xFE6F),
    (0xFF61, 0xFF65),
    (0xFFFC, 0xFFFD),
)
_WHITE = (
    (0x00, 0x20),
    (0x7F, 0x9F),
    (0xA0, 0xA0),
    (0x1680, 0x1680),
    (0x2000, 0x200A),
    (0x202F, 0x202F),
    (0x205F, 0x205F),
)
_INVISIBLE = ((0xAD, 0xAD), (0x200B, 0x200F), (0x202A, 0x202E), (0x2060, 0x2064), (0xFE00, 0xFE0F), (0xFEFF, 0xFEFF))
# Stops of scripts that do not write a space (or write one we cannot rely on) after them.
_STOPS = {
    0x3002: ".",
    0xFF61: ".",
    0x0964: ".",
    0x0965: ".",
    0x06D4: ".",
    0x0589: ".",
    0x1362: ".",
    0x061F: "?",
    0x37E: "?",
}
_QUOTES = (0xAB, 0xBB, 0x201C, 0x201D, 0x201E, 0x201F, 0x300C, 0x300D, 0x300E, 0x300F, 0xFF02)
_APOSTROPHES = (0x2018, 0x2019, 0x201A, 0x201B, 0xB4)
_DIGIT_ZEROS = (0x660, 0x6F0, 0x966, 0x9E6, 0xE50)


class Alphabet(NamedTuple):
    """Tables over the basic plane: ``fold[cp]`` (uint16) and ``kind[cp]`` = class | script << 3 (uint8)."""

    fold: NDArray[np.uint16]
    kind: NDArray[np.uint8]


def _fold_case(fold: NDArray[np.uint16]) -> None:
    fold[0x41:0x5B] += 32
    for first, last, step in (
        (0xC0, 0xDE, 32),
        (0x391, 0x3AB, 32),
        (0x410, 0x42F, 32),
        (0x400, 0x40F, 80),
        (0x531, 0x556, 48),
    ):
        fold[first : last + 1] += step
    fold[0xD7], fold[0x3A2] = 0xD7, 0x3A2
    for first, last in (
        (0x100, 0x137),
        (0x14A, 0x177),
        (0x1E00, 0x1E95),
        (0x1EA0, 0x1EFF),
        (0x460, 0x481),
        (0x48A, 0x4BF),
        (0x4D0, 0x52F),
    ):
        fold[first : last + 1 : 2] += 1
    for first, last in ((0x139, 0x148), (0x179, 0x17E), (0x4C1, 0x4CE)):
        fold[first : last + 1 : 2] += 1
    for upper, lower in ((0x130, 0x69), (0x178, 0xFF), (0x386, 0x3AC), (0x388, 0x3AD), (0x389, 0x3AE), (0x38A, 0x3AF)):
        fold[upper] = lower
    for upper, lower in ((0x38C, 0x3CC), (0x38E, 0x3CD), (0x38F, 0x3CE), (0x3C2, 0x3C3), (0x4C0, 0x4CF)):
        fold[upper] = lower


def _fold_signs(fold: NDArray[np.uint16]) -> None:
    fold[0xFF01:0xFF5F] = fold[0x21:0x7F]  # full-width forms, already case folded
    for code, sign in _STOPS.items():
        fold[code] = ord(sign)
    fold[list(_QUOTES)] = ord('"')
    fold[list(_APOSTROPHES)] = ord("'")
    fold[0x3001], fold[0x2026] = ord(","), ord(".")
    for zero in _DIGIT_ZEROS:
        fold[zero : zero + 10] = np.arange(0x30, 0x3A)


def _kinds() -> NDArray[np.uint8]:
    kind = np.full(_BASIC_PLANE, LETTER | OTHER << 3, np.uint8)
    kind[0x300:0x370] = LETTER  # combining marks take the script of what they sit on: none
    kind[0x21:0x7F] = PUNCT
    kind[ord("_")] = LETTER
    for first, last, name in _SCRIPT_RANGES:
        kind[first : last + 1] = (SYLLABLE if name in _UNSPACED else LETTER) | _SCRIPT[name] << 3
    for group, label in ((_PUNCTUATION, PUNCT), (_WHITE, SPACE), (_INVISIBLE, IGNORE)):
        for first, last in group:
            kind[first : last + 1] = label
    kind[[0xAA, 0xBA]] = LETTER | LATIN << 3
    kind[0xB5] = LETTER | _SCRIPT["greek"] << 3
    kind[0x30:0x3A] = DIGIT
    for zero in _DIGIT_ZEROS:
        kind[zero : zero + 10] = DIGIT
    kind[[0x0A, 0x85, 0x2028, 0x2029]] = NEWLINE
    kind[0x3000] = SPACE
    kind[list(_STOPS)] = STOP
    kind[0xFF01:0xFF5F] = kind[0x21:0x7F]
    kind[[0xFF01, 0xFF0E, 0xFF1F]] = STOP
    return kind


@lru_cache(maxsize=1)
def alphabet() -> Alphabet:
    """Builds the tables (under a millisecond)."""
    fold = np.arange(_BASIC_PLANE, dtype=np.uint16)
    _fold_case(fold)
    _fold_signs(fold)
    return Alphabet(fold, _kinds())


def beyond(code: int) -> int:
    """Kind of a code point past the basic plane: ideographs, emoji and signs, tags, and letters for the rest."""
    if 0x20000 <= code < 0x40000:
        return SYLLABLE | HAN << 3
    if 0x1F000 <= code < 0x1FB00:
        return PUNCT
    return IGNORE if code >= 0xE0000 else LETTER | OTHER << 3
