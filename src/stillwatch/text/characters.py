# ruff: noqa: PLR1714, SIM109 - comparisons compile to machine code; membership in a tuple does not always
# pyright: basic, reportArgumentType=false, reportIndexIssue=false, reportOperatorIssue=false, reportReturnType=false, reportCallIssue=false
# (numba types these when it compiles them)
"""Characters for the kernels: UTF-8 to folded code points and their classes, words of any script, code and URLs.

Bytes that are not UTF-8 give some character, never a crash.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from stillwatch.text import hashing as hs
from stillwatch.text.alphabet import CASED_LAST, IGNORE, LATIN, LETTER, NEWLINE, PUNCT, SPACE, STOP, SYLLABLE, alphabet
from stillwatch.text.machine import bare, inlined, load64
from stillwatch.text.mixing import mix, sign_of, update

U = np.uint64
_WORD_SEED = U(hs.WORD_SEED)
_LOWER = U(0x2020202020202020)
_ALL = U(0xFFFFFFFFFFFFFFFF)
BEYOND_ASCII = 8  # pseudo class of a byte that starts a longer character


@bare
def decode(data: Any, at: Any, end: Any) -> Any:
    """Code point and length in bytes of the character at ``at``."""
    lead = np.int64(data[at])
    if lead < 0x80:
        return lead, 1
    if lead < 0xE0 and at + 1 < end:
        return (lead & 0x1F) << 6 | (np.int64(data[at + 1]) & 0x3F), 2
    if lead < 0xF0 and at + 2 < end:
        return (lead & 0x0F) << 12 | (np.int64(data[at + 1]) & 0x3F) << 6 | (np.int64(data[at + 2]) & 0x3F), 3
    if at + 3 < end:
        high = (lead & 0x07) << 18 | (np.int64(data[at + 1]) & 0x3F) << 12
        return high | (np.int64(data[at + 2]) & 0x3F) << 6 | (np.int64(data[at + 3]) & 0x3F), 4
    return 0xFFFD, 1


@bare
def fold_kind(code: Any, fold: Any, kind: Any) -> Any:
    """The folded character and its class (low three bits) and script."""
    if code < 0x10000:
        return np.int64(fold[code]), np.int64(kind[code])
    if 0x20000 <= code < 0x40000:
        return code, np.int64(SYLLABLE | 20 << 3)
    if 0x1F000 <= code < 0x1FB00:
        return code, np.int64(PUNCT)
    return code, np.int64(IGNORE) if code >= 0xE0000 else np.int64(LETTER | 21 << 3)


@inlined
def ascii_word(data: Any, at: Any, length: Any) -> Any:
    """Hash of a word of ASCII letters; eight bytes past its start must be readable."""
    state = _WORD_SEED
    while length > 8:
        state = mix(state, load64(data, at) | _LOWER)
        at += 8
        length -= 8
    return mix(state, (load64(data, at) | _LOWER) & (_ALL >> U(64 - (length << 3))))


@bare
def slow_word(data: Any, at: Any, end: Any, wanted: Any, fold: Any, kind: Any, scripts: Any) -> Any:
    """End, hash and characters of a run of letters or digits of any script."""
    state, chunk, fill, chars = _WORD_SEED, U(0), 0, 0
    while at < end:
        code, size = decode(data, at, end)
        folded, sort = fold_kind(code, fold, kind)
        if sort & 7 != wanted:
            break
        if wanted == LETTER:
            scripts[sort >> 3] += 1
        bits = 8 if folded < 0x80 else 16 if folded < 0x10000 else 24
        chunk |= U(folded) << U(fill)
        fill += bits
        if fill >= 64:
            state = mix(state, chunk)
            fill -= 64
            chunk = U(folded) >> U(bits - fill) if fill else U(0)
        at += size
        chars += 1
    if fill:
        state = mix(state, chunk)
    return at, state, chars


@inlined
def code_pair(data: Any, at: Any, end: Any, first: Any, second: Any) -> Any:
    """1 where two signs stand together as in code, else 0."""
    return (np.int64(second[data[at + 1]]) >> np.int64(first[data[at]])) & 1 if at + 1 < end else 0


@bare
def url_rest(data: Any, at: Any, end: Any, text: Any, fold: Any, kind: Any, first: Any, second: Any) -> Any:
    """The rest of a URL, to the next white space: new position, exact key, characters, code marks, last sign."""
    chars, marks, last = 0, 0, 58
    while at < end:
        code, size = decode(data, at, end)
        folded, sort = fold_kind(code, fold, kind)
        sort &= 7
        if sort == SPACE or sort == NEWLINE or sort == STOP:
            break
        marks += code_pair(data, at, end, first, second)
        last = folded if sort == PUNCT else 0
        if sort != IGNORE:
            text = update(text, sign_of(folded))
        at += size
        chars += 1
    return at, text, chars, marks, last


@bare
def first_is_lower(data: Any, at: Any, end: Any, fold: Any, kind: Any) -> bool:
    """Whether the first character that shows is a lower-case letter."""
    while at < end:
        code, size = decode(data, at, end)
        folded, sort = fold_kind(code, fold, kind)
        if sort & 7 not in (SPACE, NEWLINE, IGNORE):
            return sort & 7 == LETTER and LATIN <= sort >> 3 <= CASED_LAST and folded == code
        at += size
    return False


@bare
def dominant(scripts: Any) -> int:
    """The script that most letters are of."""
    best = 0
    for script in range(1, len(scripts)):
        if scripts[script] > (scripts[best] if best else 0):
            best = script
    return best


@bare
def white_at(data: Any, at: Any, end: Any, fold: Any, kind: Any) -> bool:
    """Whether there is white space, or the end."""
    if at >= end:
        return True
    code, _ = decode(data, at, end)
    sort = fold_kind(code, fold, kind)[1] & 7
    return sort == SPACE or sort == NEWLINE


@bare
def ends_question(data: Any, start: Any, end: Any, fold: Any, kind: Any) -> bool:
    """Whether the last character that shows folds to a question mark."""
    while end > start:
        at = end - 1
        while at > start and data[at] & 0xC0 == 0x80:
            at -= 1
        code, _ = decode(data, at, end)
        folded, sort = fold_kind(code, fold, kind)
        if sort & 7 not in (SPACE, NEWLINE, IGNORE):
            return folded == 63
        end = at
    return False


def _tables() -> tuple[NDArray[Any], ...]:
    letters = alphabet()
    ascii_class = np.full(256, BEYOND_ASCII, np.uint8)
    ascii_class[:128] = letters.kind[:128] & 7
    first, second = np.full(256, 15, np.uint8), np.zeros(256, np.uint16)
    for mark in sorted({pair[0] for pair in hs.CODE_PAIRS}):
        first[ord(mark)] = sum(first[:128] != 15)
    for pair in hs.CODE_PAIRS:
        second[ord(pair[1])] |= 1 << int(first[ord(pair[0])])
    return letters.fold, letters.kind, ascii_class, first, second


TABLES = _tables()
