"""The text kernels: one pass over the bytes of a string column, twin of ``plain.read_all``.

They know UTF-8 bytes and the tables of ``alphabet``; they trust the offsets of the column and nothing else (bytes that
are not UTF-8 give some key, never a crash). Cost: 1-2 microseconds for a prompt of 400 bytes.

Longer than a file should be, on purpose: numba recompiles a kernel when its own file changes and not when a file that
it calls into does. After a change to ``hashing``, ``alphabet`` or ``machine``, touch this file.
"""

from __future__ import annotations

from typing import Any

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
)
from stillwatch.text.features import Skimmed, TextFeatures, blank
from stillwatch.text.machine import add16, add64, bare, byte_at, byte_masks, inlined, least8, load64, trailing_zeros
from stillwatch.text.strings import Strings

U = np.uint64
_WORD_SEED, _WORD_MIX, _CHAIN, _FINAL = U(hs.WORD_SEED), U(hs.WORD_MIX), U(hs.CHAIN), U(hs.FINAL)
_SIGN_SEED, _SIGN_MIX = U(hs.SIGN_SEED), U(hs.SIGN_MIX)
_PAIR_LEFT, _PAIR_RIGHT = U(hs.PAIR_LEFT), U(hs.PAIR_RIGHT)
_TEXT, _SHAPE, _SENTENCE = U(hs.TEXT_SEED), U(hs.SHAPE_SEED), U(hs.SENTENCE_SEED)
_NUMBER, _QUOTED, _URL, _CODE = U(hs.NUMBER), U(hs.QUOTED), U(hs.URL), U(hs.CODE)
_LOWER = U(0x2020202020202020)
_ALL = U(0xFFFFFFFFFFFFFFFF)
_ONE = U(1)
_ONES = U(0x0101010101010101)
_SHINGLE_0, _SHINGLE_1, _SHINGLE_2 = (U(value) for value in hs.SHINGLE)
_START = U(hs.START)
_EDGE, _SLOTS = hs.WORD_EDGE, hs.SENTENCE_EDGE
_BEYOND_ASCII = 8  # pseudo class of a byte that starts a longer character

# Saved states (see ``plain.Reading``): slots of a small array, touched on quotes and fences only.
_Q_OPEN, _Q_SHAPE, _Q_SENTENCE, _Q_WORDS, _Q_SERIAL, _F_OPEN, _F_SHAPE = range(7)


@inlined
def _update(state: Any, value: Any) -> Any:
    state = (state ^ value) * _CHAIN
    return state ^ (state >> U(29))


@inlined
def _sign(code: Any) -> Any:
    value = (U(code) + _SIGN_SEED) * _SIGN_MIX
    return value ^ (value >> U(32))


@inlined
def _pair(left: Any, right: Any) -> Any:
    value = left * _PAIR_LEFT + right * _PAIR_RIGHT
    return value ^ (value >> U(31))


@inlined
def _mix(state: Any, chunk: Any) -> Any:
    state = (state ^ chunk) * _WORD_MIX
    return state ^ (state >> U(32))


@inlined
def _key(state: Any) -> Any:
    state = (state ^ (state >> U(32))) * _FINAL
    state ^= state >> U(29)
    return state if state != U(0) else U(1)


@inlined
def _put(words: Any, count: Any, value: Any) -> Any:
    words[count if count < _EDGE else _EDGE + (count & (_EDGE - 1))] = value
    return count + 1


@bare
def _decode(data: Any, at: Any, end: Any) -> Any:
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
def _fold_kind(code: Any, fold: Any, kind: Any) -> Any:
    if code < 0x10000:
        return np.int64(fold[code]), np.int64(kind[code])
    if 0x20000 <= code < 0x40000:
        return code, np.int64(SYLLABLE | 20 << 3)
    if 0x1F000 <= code < 0x1FB00:
        return code, np.int64(PUNCT)
    return code, np.int64(IGNORE) if code >= 0xE0000 else np.int64(LETTER | 21 << 3)


@inlined
def _word(data: Any, at: Any, length: Any) -> Any:
    """Hash of a word of ASCII letters; eight bytes past its start must be readable."""
    state = _WORD_SEED
    while length > 8:
        state = _mix(state, load64(data, at) | _LOWER)
        at += 8
        length -= 8
    return _mix(state, (load64(data, at) | _LOWER) & (_ALL >> U(64 - (length << 3))))


@bare
def _slow_word(data: Any, at: Any, end: Any, wanted: Any, fold: Any, kind: Any, scripts: Any) -> Any:
    """End, hash and characters of a run of letters or digits of any script."""
    state, chunk, fill, chars = _WORD_SEED, U(0), 0, 0
    while at < end:
        code, size = _decode(data, at, end)
        folded, sort = _fold_kind(code, fold, kind)
        if sort & 7 != wanted:
            break
        if wanted == LETTER:
            scripts[sort >> 3] += 1
        bits = 8 if folded < 0x80 else 16 if folded < 0x10000 else 24
        chunk |= U(folded) << U(fill)
        fill += bits
        if fill >= 64:
            state = _mix(state, chunk)
            fill -= 64
            chunk = U(folded) >> U(bits - fill) if fill else U(0)
        at += size
        chars += 1
    if fill:
        state = _mix(state, chunk)
    return at, state, chars


@bare
def _end_sentence(state: Any, count: Any, kept: Any, row: Any, total: Any) -> Any:
    """Keep a sentence of enough words in the row's slots: the first four, then a ring of the last four."""
    if count < hs.SENTENCE_WORDS:
        return total
    kept[row, total if total < _SLOTS else _SLOTS + (total & (_SLOTS - 1))] = _key(state)
    return total + 1


@bare
def _straighten(kept: Any, row: Any, total: Any) -> None:
    """Turn the ring of last sentences so that its oldest comes first."""
    if total > 2 * _SLOTS:
        for _ in range(total & (_SLOTS - 1)):
            oldest = kept[row, _SLOTS]
            for slot in range(_SLOTS, 2 * _SLOTS - 1):
                kept[row, slot] = kept[row, slot + 1]
            kept[row, 2 * _SLOTS - 1] = oldest


@inlined
def _code_pair(data: Any, at: Any, end: Any, first: Any, second: Any) -> Any:
    return (np.int64(second[data[at + 1]]) >> np.int64(first[data[at]])) & 1 if at + 1 < end else 0


@bare
def _url(data: Any, at: Any, end: Any, text: Any, fold: Any, kind: Any, first: Any, second: Any) -> Any:
    """The rest of a URL, to the next white space: new position, exact key, characters, code marks, last sign."""
    chars, marks, last = 0, 0, 58
    while at < end:
        code, size = _decode(data, at, end)
        folded, sort = _fold_kind(code, fold, kind)
        sort &= 7
        if sort == SPACE or sort == NEWLINE or sort == STOP:
            break
        marks += _code_pair(data, at, end, first, second)
        last = folded if sort == PUNCT else 0
        if sort != IGNORE:
            text = _update(text, _sign(folded))
        at += size
        chars += 1
    return at, text, chars, marks, last


@bare
def _quote(saved: Any, shape: Any, sentence: Any, count: Any, serial: Any) -> Any:
    """A double quote: open one, or close it and put one mark where the quoted words were."""
    if saved[_Q_OPEN] == U(0):
        saved[_Q_OPEN], saved[_Q_SHAPE], saved[_Q_SENTENCE] = U(1), shape, sentence
        saved[_Q_WORDS], saved[_Q_SERIAL] = U(count), U(serial)
        return _update(shape, _sign(34)), sentence, count
    saved[_Q_OPEN] = U(0)
    shape = _update(saved[_Q_SHAPE], _QUOTED)
    if saved[_Q_SERIAL] == U(serial):
        return shape, _update(saved[_Q_SENTENCE], _QUOTED), np.int64(saved[_Q_WORDS]) + 1
    return shape, sentence, count


@bare
def _first_is_lower(data: Any, at: Any, end: Any, fold: Any, kind: Any) -> bool:
    while at < end:
        code, size = _decode(data, at, end)
        folded, sort = _fold_kind(code, fold, kind)
        if sort & 7 not in (SPACE, NEWLINE, IGNORE):
            return sort & 7 == LETTER and LATIN <= sort >> 3 <= CASED_LAST and folded == code
        at += size
    return False


@bare
def _dominant(scripts: Any) -> int:
    best = 0
    for script in range(1, len(scripts)):
        if scripts[script] > (scripts[best] if best else 0):
            best = script
    return best


@bare
def _white_at(data: Any, at: Any, end: Any, fold: Any, kind: Any) -> bool:
    if at >= end:
        return True
    code, _ = _decode(data, at, end)
    sort = _fold_kind(code, fold, kind)[1] & 7
    return sort == SPACE or sort == NEWLINE


@bare
def _ends_question(data: Any, start: Any, end: Any, fold: Any, kind: Any) -> bool:
    """Whether the last character that shows folds to a question mark."""
    while end > start:
        at = end - 1
        while at > start and data[at] & 0xC0 == 0x80:
            at -= 1
        code, _ = _decode(data, at, end)
        folded, sort = _fold_kind(code, fold, kind)
        if sort & 7 not in (SPACE, NEWLINE, IGNORE):
            return folded == 63
        end = at
    return False


# One function on purpose: the running keys live in registers, and a call per token would cost more than the token.
@bare
def _scan(data: Any, start: Any, end: Any, tables: Any, words: Any, states: Any, out: Any, row: Any) -> int:  # noqa: C901, PLR0912, PLR0915
    """Read one text, fill its keys, counts and style, leave its words in ``words`` and return how many it had.

    64 bytes past ``end`` must be readable. Blocks of 64 bytes are classified at once; ``todo`` has a bit for each byte
    of the block that is not a space and not yet consumed.
    """
    scripts, saved = states
    fold, kind, ascii_class, first, second = tables
    saved[_Q_OPEN], saved[_F_OPEN] = U(0), U(0)
    kept = out.sentence_keys
    text, shape, sentence = _TEXT, _SHAPE, _SENTENCE
    count, sentence_words, sentences, serial = 0, 0, 0, 0
    latin, digits, marks, newlines, extra = 0, 0, 0, 0, 0
    fenced = foreign = False
    base = start
    while base < end:
        letters, spaces, more = byte_masks(data, base)
        span = end - base
        if span < 64:
            letters &= (_ONE << U(span)) - _ONE
            more &= (_ONE << U(span)) - _ONE
            spaces |= _ALL << U(span)
        else:
            span = 64
        todo = ~spaces
        while todo:
            place = trailing_zeros(todo)
            at = base + place
            run = letters >> U(place)
            if run & _ONE:
                length = trailing_zeros(~run)
                stop = place + length
                if stop < 64 and not (more >> U(stop)) & _ONE:
                    value = _word(data, at, length)
                    latin += length
                    text, shape = _update(text, value), _update(shape, value)
                    count = _put(words, count, value)
                    sentence = _update(sentence, value)
                    sentence_words += 1
                    todo &= _ALL << U(stop)
                    continue
                if stop >= 64 and place > 0:
                    base = at  # the word may go on past the block: look again from its start
                    span = 0
                    break
            # Everything else, one token at a time.
            size, code, sort = 1, byte_at(data, at), np.int64(0)
            sort = np.int64(ascii_class[code])
            if sort == _BEYOND_ASCII:
                code, size = _decode(data, at, end)
                code, sort = _fold_kind(code, fold, kind)
                sort &= 7
            if sort == PUNCT or sort == STOP:
                marks += _code_pair(data, at, end, first, second)
                byte = byte_at(data, at)
                if code == 34 and saved[_F_OPEN] == U(0):
                    text = _update(text, _sign(34))
                    shape, sentence, sentence_words = _quote(saved, shape, sentence, sentence_words, serial)
                elif byte == 96 and at + 2 < end and byte_at(data, at + 1) == 96 and byte_at(data, at + 2) == 96:
                    fenced = True
                    text = _update(text, _CODE)
                    if saved[_F_OPEN] == U(0):
                        sentences = _end_sentence(sentence, sentence_words, kept, row, sentences)
                        saved[_F_OPEN], saved[_F_SHAPE], saved[_Q_OPEN] = U(1), shape, U(0)
                        serial += 1
                    else:
                        shape = _update(saved[_F_SHAPE], _CODE)
                        saved[_F_OPEN] = U(0)
                    sentence, sentence_words = _SENTENCE, 0
                    size = 3
                    extra -= 2
                elif byte == 58 and at + 2 < end and byte_at(data, at + 1) == 47 and byte_at(data, at + 2) == 47:
                    text, shape = _update(text, _URL), _update(shape, _URL)
                    count = _put(words, count, _URL)
                    sentence = _update(sentence, _URL)
                    sentence_words += 1
                    marks += _code_pair(data, at + 2, end, first, second)
                    stop, text, chars, pairs, code = _url(data, at + 3, end, text, fold, kind, first, second)
                    marks += pairs
                    size = stop - at
                    extra -= chars + 2
                else:
                    value = _sign(code)
                    text, shape = _update(text, value), _update(shape, value)
                extra += size - 1
                at += size
                ended = sort == STOP or (
                    (code == 46 or code == 33 or code == 63) and _white_at(data, at, end, fold, kind)
                )
                if ended and saved[_F_OPEN] == U(0):
                    sentences = _end_sentence(sentence, sentence_words, kept, row, sentences)
                    sentence, sentence_words, serial = _SENTENCE, 0, serial + 1
            elif sort == LETTER or sort == DIGIT:
                foreign |= sort == LETTER
                stop, value, chars = _slow_word(data, at, end, sort, fold, kind, scripts)
                extra += stop - at - chars
                text = _update(text, value)
                if sort == DIGIT:
                    digits += chars
                    value = _NUMBER
                shape = _update(shape, value)
                count = _put(words, count, value)
                sentence = _update(sentence, value)
                sentence_words += 1
                at = stop
            elif sort == SYLLABLE:
                length, before = 0, U(0)
                foreign = True
                while at < end:
                    code, size = _decode(data, at, end)
                    code, sort = _fold_kind(code, fold, kind)
                    if sort & 7 == SYLLABLE:
                        scripts[sort >> 3] += 1
                        value = _sign(code)
                        text, shape = _update(text, value), _update(shape, value)
                        if length:
                            pair = _pair(before, value)
                            count = _put(words, count, pair)
                            sentence = _update(sentence, pair)
                            sentence_words += 1
                        length, before = length + 1, value
                    elif sort & 7 != IGNORE:
                        break
                    at += size
                    extra += size - 1
                if length == 1:
                    count = _put(words, count, before)
                    sentence = _update(sentence, before)
                    sentence_words += 1
            else:  # white space beyond 0x20, or nothing to see
                at += size
                extra += size - 1
                if sort == NEWLINE:
                    newlines += 1
                    saved[_Q_OPEN] = U(0)
                    if saved[_F_OPEN] == U(0):
                        sentences = _end_sentence(sentence, sentence_words, kept, row, sentences)
                        sentence, sentence_words, serial = _SENTENCE, 0, serial + 1
            if at - base >= 64:
                base = at
                span = 0
                break
            todo &= _ALL << U(at - base)
        base += span
    if saved[_F_OPEN] == U(0):
        sentences = _end_sentence(sentence, sentence_words, kept, row, sentences)
    else:
        shape = _update(saved[_F_SHAPE], _CODE)
    _straighten(kept, row, sentences)
    scripts[LATIN] += latin
    script = _dominant(scripts) if foreign else LATIN if latin else 0
    if foreign:
        for slot in range(len(scripts)):
            scripts[slot] = 0
    scripts[LATIN] = 0
    out.text_key[row], out.shape_key[row] = _key(text), _key(shape)
    out.sentence_count[row] = min(sentences, 2 * _SLOTS)
    out.chars[row] = end - start - extra
    out.words[row], out.digits[row] = count, digits
    out.lines[row] = newlines + 1 if end > start else 0
    out.script[row] = script
    out.starts_lower[row] = _first_is_lower(data, start, end, fold, kind)
    out.ends_question[row] = _ends_question(data, start, end, fold, kind)
    out.has_code[row] = fenced or marks >= hs.CODE_MARKS
    return count


@bare
def _gather(words: Any, count: Any, scratch: Any) -> int:
    """Bring the kept words in order (the tail is a ring); returns how many there are."""
    if count <= 2 * _EDGE:
        return count
    turn = count & (_EDGE - 1)
    for slot in range(_EDGE):
        scratch[slot] = words[_EDGE + slot]
    for slot in range(_EDGE):
        words[_EDGE + slot] = scratch[(slot + turn) & (_EDGE - 1)]
    return 2 * _EDGE


@bare
def _near(words: Any, count: Any, near: Any, shingles: Any, least: Any, keys: Any, row: Any) -> None:
    for at in range(count, 3):
        words[at] = U(0)
    count = max(count - 2, 1)
    for at in range(count):
        value = words[at] * _SHINGLE_0 + words[at + 1] * _SHINGLE_1 + words[at + 2] * _SHINGLE_2
        shingles[at] = np.uint32(((value ^ (value >> U(29))) * _FINAL) >> U(32))
    least8(least, shingles, count, near[0], near[1])
    rows = hs.NEAR_HASHES // 4
    for band in range(4):
        state = U(band + 1)
        for j in range(band * rows, (band + 1) * rows):
            state = _update(state, U(least[j]))
        keys[row, band] = np.uint32(_key(state) >> U(32))


@bare
def _project(words: Any, count: Any, table: Any, shift: Any, places: Any, sums: Any) -> None:
    """Add up the rows of the words: 32 axes of the gist, 16 labels of the classifiers."""
    for at in range(count):
        places[at] = np.int64(words[at] >> shift) << 6
    add64(sums, table, places, count)


@bare
def _gist(sums: Any, gist: Any, row: Any) -> None:
    square = 0
    for axis in range(32):
        square += np.int64(sums[axis]) * np.int64(sums[axis])
    if square > 0:
        scale = 127.0 / np.sqrt(np.float64(square))
        for axis in range(32):
            gist[row, axis] = np.int8(np.int32(np.rint(np.float64(sums[axis]) * scale)))


@bare
def _score(words: Any, count: Any, pairs: Any, places: Any, sums: Any, scores: Any, out: Any, row: Any) -> None:
    """Classifier sums: the words' from ``sums``, and those of the pairs of neighbours."""
    shift = U(64 - trailing_zeros(U(len(pairs))))
    before = _START
    for at in range(count):
        places[at] = np.int64(_pair(before, words[at]) >> shift) << 4
        before = words[at]
    add16(scores, pairs, places, count)
    for label in range(16):
        out[row, label] = scores[label] + sums[32 + label]


@bare
def _padded(data: Any, start: Any, end: Any, room: Any) -> None:
    for at in range(end - start):
        room[at] = data[start + at]


@bare
def _read_rows(column: Any, tables: Any, near: Any, table: Any, pairs: Any, desk: Any, out: Any) -> None:
    data, offsets, null = column
    words, scratch, scripts, saved, least, sums, scores, shingles, places, room = desk
    shift = U(64 - trailing_zeros(U(len(table))))
    safe = len(data) - 64
    for row in range(len(null)):
        if null[row]:
            continue
        start, end = offsets[row], offsets[row + 1]
        if end <= safe:
            count = _scan(data, start, end, tables, words, (scripts, saved), out, row)
        else:  # the last texts of the buffer: give them the room that block loads need
            _padded(data, start, end, room)
            count = _scan(room, 0, end - start, tables, words, (scripts, saved), out, row)
        count = _gather(words, count, scratch)
        if count and len(table) > 1:
            _project(words, count, table, shift, places, sums)
            _gist(sums, out.gist, row)
            _score(words, count, pairs, places, sums, scores, out.scores, row)
            _near(words, count, near, shingles, least, out.near_keys, row)


@bare
def _skim_one(data: Any, start: Any, end: Any, first: Any, second: Any) -> Any:
    """Exact key, characters, lines and whether it looks like code; 64 bytes past ``end`` must be readable."""
    state, chars, lines, marks = _WORD_SEED, 0, 1 if end > start else 0, 0
    fenced = False
    at = start
    while at < end:
        chunk = load64(data, at)
        if end - at < 8:
            chunk &= (_ONE << U((end - at) << 3)) - _ONE
        state = _mix(state, chunk)
        tails = (chunk >> U(7)) & ~(chunk >> U(6)) & _ONES
        chars += min(end - at, 8) - np.int64((tails * _ONES) >> U(56))
        at += 8
    for base in range(start, end, 64):
        letters, spaces, _ = byte_masks(data, base)
        todo = ~(letters | spaces)
        if end - base < 64:
            todo &= (_ONE << U(end - base)) - _ONE
        while todo:
            at = base + trailing_zeros(todo)
            todo &= todo - _ONE
            byte = byte_at(data, at)
            lines += byte == 10
            marks += _code_pair(data, at, end, first, second)
            if byte == 96 and at + 2 < end and byte_at(data, at + 1) == 96 and byte_at(data, at + 2) == 96:
                fenced = True
    return _key(state), chars, lines, fenced or marks >= hs.CODE_MARKS


@bare
def _skim_rows(column: Any, tables: Any, room: Any, keys: Any, counts: Any, code: Any) -> None:
    data, offsets, null = column
    first, second = tables[3], tables[4]
    safe = len(data) - 64
    for row in range(len(null)):
        if null[row]:
            continue
        start, end = offsets[row], offsets[row + 1]
        if end <= safe:
            found = _skim_one(data, start, end, first, second)
        else:
            _padded(data, start, end, room)
            found = _skim_one(room, 0, end - start, first, second)
        keys[row], counts[row, 0], counts[row, 1], code[row] = found


def _tables() -> tuple[NDArray[Any], ...]:
    letters = alphabet()
    ascii_class = np.full(256, _BEYOND_ASCII, np.uint8)
    ascii_class[:128] = letters.kind[:128] & 7
    first, second = np.full(256, 15, np.uint8), np.zeros(256, np.uint16)
    for mark in sorted({pair[0] for pair in hs.CODE_PAIRS}):
        first[ord(mark)] = sum(first[:128] != 15)
    for pair in hs.CODE_PAIRS:
        second[ord(pair[1])] |= 1 << int(first[ord(pair[0])])
    return letters.fold, letters.kind, ascii_class, first, second


TABLES = _tables()
KEYS_ONLY = (np.zeros((1, 64), np.int8), np.zeros((1, 16), np.int8))  # for ``read_column``: no vectors
NEAR = (np.array(hs.NEAR_XORS, np.uint32), np.array(hs.NEAR_MIXES, np.uint32))


def _room(column: Strings) -> NDArray[np.uint8]:
    """Space for the longest text that ends within 64 bytes of the buffer's end, and 64 bytes more."""
    late = (column.offsets[1:] > len(column.data) - 64) & ~column.null
    return np.zeros(int(np.diff(column.offsets).max(where=late, initial=0)) + 64, np.uint8)


def _desk(column: Strings) -> tuple[NDArray[Any], ...]:
    """What a pass scribbles on; see the names where ``_read_rows`` unpacks it."""
    return (
        np.zeros(2 * _EDGE, np.uint64),
        np.zeros(_EDGE, np.uint64),
        np.zeros(len(SCRIPTS), np.int32),
        np.zeros(8, np.uint64),
        np.zeros(hs.NEAR_HASHES, np.uint32),
        np.zeros(64, np.int16),
        np.zeros(16, np.int32),
        np.zeros(2 * _EDGE, np.uint32),
        np.zeros(2 * _EDGE, np.int64),
        _room(column),
    )


def read_column(column: Strings, table: NDArray[np.int8], pairs: NDArray[np.int8]) -> TextFeatures:
    """The features of every text of a column. ``table`` (n, 64), ``pairs`` (m, 16); n and m powers of two.

    Tables of one row (``KEYS_ONLY``) leave near keys, gist and scores out.
    """
    out = blank(len(column.null))
    _read_rows(column, TABLES, NEAR, table, pairs, _desk(column), out)
    return out


def skim_column(column: Strings) -> Skimmed:
    """Key, size and code of every text, for columns whose words do not matter (responses)."""
    count = len(column.null)
    keys, counts, code = np.zeros(count, np.uint64), np.zeros((count, 2), np.int32), np.zeros(count, np.bool_)
    _skim_rows(column, TABLES, _room(column), keys, counts, code)
    return Skimmed(keys, counts[:, 0], counts[:, 1], code)


@bare
def _pack(slots: Any, counts: Any, offsets: Any, out: Any) -> None:
    end = 0
    for row in range(len(counts)):
        for slot in range(counts[row]):
            out[end] = slots[row, slot]
            end += 1
        offsets[row + 1] = end


def packed(slots: NDArray[np.uint64], counts: NDArray[np.uint8]) -> tuple[NDArray[np.int32], NDArray[np.uint64]]:
    """The first ``counts[i]`` values of every row one after the other, and where each row starts."""
    offsets = np.zeros(len(counts) + 1, np.int32)
    out = np.empty(int(counts.sum(dtype=np.int64)), np.uint64)
    _pack(slots, counts, offsets, out)
    return offsets, out


def word_table(rarity: NDArray[np.uint8], singles: NDArray[np.int8]) -> NDArray[np.int8]:
    """One cache line per bucket of words: 32 signed rarities for the gist, 16 classifier weights, 16 unused."""
    buckets = np.arange(len(rarity), dtype=np.uint64)
    mixed = (buckets + _SIGN_SEED) * _SIGN_MIX
    mixed = (mixed ^ (mixed >> U(32))) >> U(32)
    signs = ((mixed[:, None] >> np.arange(32, dtype=np.uint64)) & _ONE).astype(np.int8) * 2 - 1
    table = np.zeros((len(rarity), 64), np.int8)
    table[:, :32] = signs * rarity.astype(np.int8)[:, None]
    table[:, 32:48] = singles
    return table


@bare
def _list_rows(column: Any, tables: Any, desk: Any, room: Any, out: Any, listed: Any, counts: Any) -> None:
    data, offsets, null = column
    words, scratch, scripts, saved = desk
    for row in range(len(null)):
        if null[row]:
            continue
        _padded(data, offsets[row], offsets[row + 1], room)
        found = _scan(room, 0, offsets[row + 1] - offsets[row], tables, words, (scripts, saved), out, row)
        counts[row] = _gather(words, found, scratch)
        for at in range(counts[row]):
            listed[row, at] = words[at]


def list_words(column: Strings) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    """Word hashes of every text, (n, 2 * WORD_EDGE), and how many of them count. For training only."""
    count = len(column.null)
    listed, counts = np.zeros((count, 2 * _EDGE), np.uint64), np.zeros(count, np.int64)
    room = np.zeros(int(np.diff(column.offsets).max(initial=0)) + 64, np.uint8)
    _list_rows(column, TABLES, _desk(column)[:4], room, blank(count), listed, counts)
    return listed, counts


def pair_hashes(words: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Hashes of neighbours along the last axis, the first with the start mark."""
    before = np.concatenate([np.full((*words.shape[:-1], 1), _START), words[..., :-1]], axis=-1)
    value = before * _PAIR_LEFT + words * _PAIR_RIGHT
    return value ^ (value >> U(31))
