"""The slow, readable statement of what the text kernels compute; tests hold the kernels to it.

One Python loop over the characters of one text. Nothing here is called in production. Hash constants are shared with
the kernels through ``hashing``; characters are classified by ``alphabet``.
"""

from __future__ import annotations

import ipaddress
import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from stillwatch.text import hashing as hs
from stillwatch.text.alphabet import (
    CASED_LAST,
    DIGIT,
    IGNORE,
    LATIN,
    LETTER,
    NEWLINE,
    PUNCT,
    SCRIPTS,
    SPACE,
    STOP,
    SYLLABLE,
    alphabet,
    beyond,
)
from stillwatch.text.features import TextFeatures, blank

MASK = (1 << 64) - 1


def fold_kind(code: int) -> tuple[int, int, int]:
    """Folded code point, class and script of one character."""
    if code >= 0x10000:
        kind = beyond(code)
        return code, kind & 7, kind >> 3
    tables = alphabet()
    return int(tables.fold[code]), int(tables.kind[code]) & 7, int(tables.kind[code]) >> 3


def update(state: int, value: int) -> int:
    """Fold one token into an order-sensitive running key."""
    state = ((state ^ value) * hs.CHAIN) & MASK
    return state ^ (state >> 29)


def sign_hash(code: int) -> int:
    """Hash of one sign or syllable."""
    value = ((code + hs.SIGN_SEED) * hs.SIGN_MIX) & MASK
    return value ^ (value >> 32)


def pair_hash(left: int, right: int) -> int:
    """Order-sensitive hash of two word hashes (syllable bigrams, classifier bigrams)."""
    value = ((left * hs.PAIR_LEFT) + right * hs.PAIR_RIGHT) & MASK
    return value ^ (value >> 31)


def word_hash(packed: bytes) -> int:
    """Hash of a folded word: little-endian 8-byte chunks, zero padded."""
    state = hs.WORD_SEED
    for start in range(0, len(packed), 8):
        state = ((state ^ int.from_bytes(packed[start : start + 8], "little")) * hs.WORD_MIX) & MASK
        state ^= state >> 32
    return state


def pack(code: int) -> bytes:
    """One folded character as bytes of a word: 1, 2 or 3, little endian."""
    return code.to_bytes(1 if code < 0x80 else 2 if code < 0x10000 else 3, "little")


def key_of(state: int) -> int:
    """Final mix of a running key; never 0."""
    state = ((state ^ (state >> 32)) * hs.FINAL) & MASK
    return (state ^ (state >> 29)) or 1


@dataclass
class Reading:
    """State of one pass over one text; the finished parts are what ``fingerprint`` turns into columns."""

    text: int = hs.TEXT_SEED
    shape: int = hs.SHAPE_SEED
    words: list[int] = field(default_factory=list)
    sentences: list[int] = field(default_factory=list)
    chars: int = 0
    lines: int = 0
    digits: int = 0
    code_marks: int = 0
    fenced: bool = False
    starts_lower: bool = False
    ends_question: bool = False
    scripts: list[int] = field(default_factory=lambda: [0] * len(SCRIPTS))
    # the sentence under way
    sentence: int = hs.SENTENCE_SEED
    sentence_words: int = 0
    serial: int = 0
    # saved states: an opening quote, a code fence
    quote: tuple[int, int, int, int] | None = None
    fence: int | None = None
    in_url: bool = False
    syllable: int = 0
    syllables: int = 0

    def word(self, value: int) -> None:
        self.words.append(value)
        if self.fence is None:
            self.sentence = update(self.sentence, value)
            self.sentence_words += 1

    def token(self, exact: int, masked: int) -> None:
        self.text = update(self.text, exact)
        self.shape = update(self.shape, masked)

    def end_syllables(self) -> None:
        if self.syllables == 1:
            self.word(self.syllable)
        self.syllables = 0

    def end_sentence(self) -> None:
        if self.fence is None:
            if self.sentence_words >= hs.SENTENCE_WORDS:
                self.sentences.append(key_of(self.sentence))
            self.sentence, self.sentence_words, self.serial = hs.SENTENCE_SEED, 0, self.serial + 1

    def on_syllable(self, code: int) -> None:
        value = sign_hash(code)
        self.token(value, value)
        if self.syllables:
            self.word(pair_hash(self.syllable, value))
        self.syllable, self.syllables = value, self.syllables + 1

    def on_quote(self) -> None:
        value = sign_hash(ord('"'))
        if self.quote is None:
            self.quote = (self.shape, self.sentence, self.sentence_words, self.serial)
            self.token(value, value)
            return
        self.text = update(self.text, value)
        shape, sentence, count, serial = self.quote
        self.shape, self.quote = update(shape, hs.QUOTED), None
        if serial == self.serial:
            self.sentence, self.sentence_words = update(sentence, hs.QUOTED), count + 1

    def on_fence(self) -> None:
        self.fenced = True
        self.text = update(self.text, hs.CODE)
        if self.fence is None:
            self.end_sentence()
            self.fence, self.quote = self.shape, None
        else:
            self.shape, self.fence = update(self.fence, hs.CODE), None

    def finish(self) -> None:
        self.end_syllables()
        self.end_sentence()
        if self.fence is not None:
            self.shape = update(self.fence, hs.CODE)


def _take_run(text: str, start: int, wanted: int, reading: Reading) -> tuple[int, bytes]:
    packed = b""
    at = start
    while at < len(text):
        code, kind, script = fold_kind(ord(text[at]))
        if kind != wanted:
            break
        packed += pack(code)
        reading.scripts[script] += kind == LETTER
        at += 1
    return at, packed


def _on_run(text: str, at: int, kind: int, reading: Reading) -> int:
    end, packed = _take_run(text, at, kind, reading)
    exact = word_hash(packed)
    if kind == DIGIT:
        reading.digits += end - at
        reading.token(exact, hs.NUMBER)
        reading.word(hs.NUMBER)
    else:
        reading.token(exact, exact)
        reading.word(exact)
    return end


def _on_sign(text: str, at: int, code: int, reading: Reading) -> int:
    if text.startswith("```", at):
        reading.on_fence()
        return at + 3
    if text.startswith("://", at):
        reading.token(hs.URL, hs.URL)
        reading.word(hs.URL)
        reading.in_url = True
        return at + 3
    if code == ord('"') and reading.fence is None:
        reading.on_quote()
    else:
        reading.token(sign_hash(code), sign_hash(code))
    return at + 1


def _white_at(text: str, at: int) -> bool:
    return at >= len(text) or fold_kind(ord(text[at]))[1] in (SPACE, NEWLINE)


def _on_break(kind: int, reading: Reading) -> None:
    reading.in_url = False
    if kind == NEWLINE:
        reading.lines += 1
        reading.quote = None
        reading.end_sentence()


def _step(text: str, at: int, reading: Reading) -> int:
    code, kind, script = fold_kind(ord(text[at]))
    reading.in_url &= kind != STOP
    if kind not in (SYLLABLE, IGNORE):
        reading.end_syllables()
    end = at + 1
    if kind in (SPACE, NEWLINE):
        _on_break(kind, reading)
    elif kind == IGNORE:
        return end
    elif reading.in_url:
        reading.text = update(reading.text, sign_hash(code))
    elif kind in (LETTER, DIGIT):
        end = _on_run(text, at, kind, reading)
    elif kind == SYLLABLE:
        reading.scripts[script] += 1
        reading.on_syllable(code)
    elif kind in (PUNCT, STOP):
        end = _on_sign(text, at, code, reading)
    if kind == STOP or (code in hs.ENDINGS and kind == PUNCT and _white_at(text, at + 1)):
        reading.end_sentence()
    return end


def _content(text: str) -> list[int]:
    """The characters that are neither white nor invisible."""
    return [code for code in map(ord, text) if fold_kind(code)[1] not in (SPACE, NEWLINE, IGNORE)]


def read(text: str) -> Reading:
    """One pass over one text."""
    reading = Reading(chars=len(text), lines=1 if text else 0)
    reading.code_marks = sum(text[at : at + 2] in hs.CODE_PAIRS for at in range(len(text) - 1))
    content = _content(text)
    if content:
        code, kind, script = fold_kind(content[0])
        reading.starts_lower = kind == LETTER and LATIN <= script <= CASED_LAST and code == content[0]
        reading.ends_question = fold_kind(content[-1])[0] == ord("?")
    at = 0
    while at < len(text):
        at = _step(text, at, reading)
    reading.finish()
    return reading


def edges(words: list[int]) -> list[int]:
    """The words that near keys, gist and classifiers look at: the first and last ``WORD_EDGE``."""
    return words if len(words) <= 2 * hs.WORD_EDGE else words[: hs.WORD_EDGE] + words[-hs.WORD_EDGE :]


def shingle(first: int, second: int, third: int) -> int:
    """32-bit hash of three words in order."""
    value = (first * hs.SHINGLE[0] + second * hs.SHINGLE[1] + third * hs.SHINGLE[2]) & MASK
    return ((value ^ (value >> 29)) * hs.FINAL & MASK) >> 32


def near(words: list[int]) -> list[int]:
    """MinHash over 3-shingles, banded to 4 keys; texts of one or two words count as one shingle. Needs a word."""
    padded = words + [0] * max(0, 3 - len(words))
    shingles = [shingle(*padded[at : at + 3]) for at in range(len(padded) - 2)]
    least = [
        min(((value ^ flip) * mix) & 0xFFFFFFFF for value in shingles)
        for flip, mix in zip(hs.NEAR_XORS, hs.NEAR_MIXES, strict=True)
    ]
    rows = hs.NEAR_HASHES // 4
    bands: list[int] = []
    for band in range(4):
        state = band + 1
        for value in least[band * rows : (band + 1) * rows]:
            state = update(state, value)
        bands.append(key_of(state) >> 32)
    return bands


def gist(words: list[int], rarity: list[int]) -> list[int]:
    """Signed projection of the words, weighted by rarity (0-127 by top hash bits), L2-normalised, scaled to 127."""
    shift = 64 - (len(rarity).bit_length() - 1)
    sums = [0] * 32
    for word in words:
        bucket = word >> shift
        signs = sign_hash(bucket) >> 32
        for axis in range(32):
            sums[axis] += rarity[bucket] if signs >> axis & 1 else -rarity[bucket]
    norm = math.sqrt(sum(value * value for value in sums))
    return [round(value * (127.0 / norm)) if norm else 0 for value in sums]


def _keep_edge_sentences(keys: list[int]) -> list[int]:
    return keys if len(keys) <= 2 * hs.SENTENCE_EDGE else keys[: hs.SENTENCE_EDGE] + keys[-hs.SENTENCE_EDGE :]


def scores(words: list[int], singles: NDArray[np.int8], pairs: NDArray[np.int8]) -> list[int]:
    """Classifier sums: one row of weights per word and one per pair of neighbours."""
    sums = np.zeros(16, np.int64)
    for before, word in zip([hs.START, *words], words, strict=False):
        sums += singles[word >> (65 - len(singles).bit_length())]
        sums += pairs[pair_hash(before, word) >> (65 - len(pairs).bit_length())]
    return sums.tolist()


def _fill(out: TextFeatures, row: int, text: str, rarity: list[int]) -> list[int]:
    reading = read(text)
    words, sentences = edges(reading.words), _keep_edge_sentences(reading.sentences)
    out.text_key[row], out.shape_key[row] = key_of(reading.text), key_of(reading.shape)
    out.sentence_count[row] = len(sentences)
    out.sentence_keys[row, : len(sentences)] = sentences
    if words:
        out.near_keys[row] = near(words)
    out.gist[row] = gist(words, rarity)
    out.chars[row], out.words[row], out.lines[row] = reading.chars, len(reading.words), reading.lines
    out.digits[row] = reading.digits
    counts = [0, *reading.scripts[1:]]
    out.script[row] = counts.index(max(counts)) if any(counts) else 0
    out.starts_lower[row], out.ends_question[row] = reading.starts_lower, reading.ends_question
    out.has_code[row] = reading.fenced or reading.code_marks >= hs.CODE_MARKS
    return words


def read_all(
    texts: list[str | None], rarity: list[int], singles: NDArray[np.int8], pairs: NDArray[np.int8]
) -> TextFeatures:
    """The features of every text, one Python loop per text."""
    out = blank(len(texts))
    for row, text in enumerate(texts):
        if text is not None:
            words = _fill(out, row, text, rarity)
            out.scores[row] = scores(words, singles, pairs)
    return out


def skim(text: str) -> tuple[int, int, int, bool]:
    """Exact key, characters, lines, and whether it looks like code."""
    marks = sum(text[at : at + 2] in hs.CODE_PAIRS for at in range(len(text) - 1))
    lines = text.count("\n") + 1 if text else 0
    return key_of(word_hash(text.encode())), len(text), lines, "```" in text or marks >= hs.CODE_MARKS


def _rotate(value: int, by: int) -> int:
    return (value << by | value >> (64 - by)) & MASK


def _sip_round(v: list[int]) -> None:
    v[0] = (v[0] + v[1]) & MASK
    v[1] = _rotate(v[1], 13) ^ v[0]
    v[0] = _rotate(v[0], 32)
    v[2] = (v[2] + v[3]) & MASK
    v[3] = _rotate(v[3], 16) ^ v[2]
    v[0] = (v[0] + v[3]) & MASK
    v[3] = _rotate(v[3], 21) ^ v[0]
    v[2] = (v[2] + v[1]) & MASK
    v[1] = _rotate(v[1], 17) ^ v[2]
    v[2] = _rotate(v[2], 32)


def siphash(message: bytes, key: Sequence[int]) -> int:
    """SipHash-2-4 (Aumasson and Bernstein 2012); never 0."""
    seeds = (0x736F6D6570736575, 0x646F72616E646F6D, 0x6C7967656E657261, 0x7465646279746573)
    v = [seed ^ key[at % 2] for at, seed in enumerate(seeds)]
    padded = message + bytes(-(len(message) + 1) % 8) + bytes([len(message) & 0xFF])
    for start in range(0, len(padded), 8):
        chunk = int.from_bytes(padded[start : start + 8], "little")
        v[3] ^= chunk
        _sip_round(v)
        _sip_round(v)
        v[0] ^= chunk
    v[2] ^= 0xFF
    for _ in range(4):
        _sip_round(v)
    return v[0] ^ v[1] ^ v[2] ^ v[3] or 1


def _halves(address: int) -> bytes:
    return (address >> 64).to_bytes(8, "little") + (address & MASK).to_bytes(8, "little")


def address(text: str, whole: Sequence[int], network: Sequence[int]) -> tuple[int, int]:
    """Keys of an address and of its network (0 for text that is no address)."""
    trimmed = text.strip(" ")
    try:
        found = ipaddress.ip_address(trimmed)
    except ValueError:
        return siphash(trimmed.encode(), [int(part) for part in whole]), 0
    value = int(found) if found.version == 6 else int(found) | 0xFFFF << 32
    prefix = value & ~0xFF if value >> 32 == 0xFFFF else value & ~((1 << 80) - 1)
    whole, network = [int(part) for part in whole], [int(part) for part in network]
    return siphash(_halves(value), whole), siphash(_halves(prefix), network)
