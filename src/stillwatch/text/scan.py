# ruff: noqa: PLR1714, SIM109 - comparisons compile to machine code; membership in a tuple does not always
# pyright: basic, reportArgumentType=false, reportIndexIssue=false, reportOperatorIssue=false, reportReturnType=false, reportCallIssue=false
# (numba types these when it compiles them)
"""One text, read once: its keys, counts and style, and the hashes of its words. The heart of ``kernel``."""

from __future__ import annotations

from typing import Any

import numpy as np

from stillwatch.text import hashing as hs
from stillwatch.text.alphabet import DIGIT, IGNORE, LATIN, LETTER, NEWLINE, PUNCT, STOP, SYLLABLE
from stillwatch.text.characters import (
    BEYOND_ASCII,
    ascii_word,
    code_pair,
    decode,
    dominant,
    ends_question,
    first_is_lower,
    fold_kind,
    slow_word,
    url_rest,
    white_at,
)
from stillwatch.text.machine import bare, byte_at, byte_masks, inlined, trailing_zeros
from stillwatch.text.mixing import key_of, pair_of, sign_of, update

U = np.uint64
_TEXT, _SHAPE, _SENTENCE = U(hs.TEXT_SEED), U(hs.SHAPE_SEED), U(hs.SENTENCE_SEED)
_NUMBER, _QUOTED, _URL, _CODE = U(hs.NUMBER), U(hs.QUOTED), U(hs.URL), U(hs.CODE)
_ALL = U(0xFFFFFFFFFFFFFFFF)
_ONE = U(1)
_EDGE, _SLOTS = hs.WORD_EDGE, hs.SENTENCE_EDGE

# Saved states (see ``plain.Reading``): slots of a small array, touched on quotes and fences only.
_Q_OPEN, _Q_SHAPE, _Q_SENTENCE, _Q_WORDS, _Q_SERIAL, _F_OPEN, _F_SHAPE = range(7)


@inlined
def _put(words: Any, count: Any, value: Any) -> Any:
    words[count if count < _EDGE else _EDGE + (count & (_EDGE - 1))] = value
    return count + 1


@bare
def _end_sentence(state: Any, count: Any, kept: Any, row: Any, total: Any) -> Any:
    """Keep a sentence of enough words in the row's slots: the first four, then a ring of the last four."""
    if count < hs.SENTENCE_WORDS:
        return total
    kept[row, total if total < _SLOTS else _SLOTS + (total & (_SLOTS - 1))] = key_of(state)
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


@bare
def _quote(saved: Any, shape: Any, sentence: Any, count: Any, serial: Any) -> Any:
    """A double quote: open one, or close it and put one mark where the quoted words were."""
    if saved[_Q_OPEN] == U(0):
        saved[_Q_OPEN], saved[_Q_SHAPE], saved[_Q_SENTENCE] = U(1), shape, sentence
        saved[_Q_WORDS], saved[_Q_SERIAL] = U(count), U(serial)
        return update(shape, sign_of(34)), sentence, count
    saved[_Q_OPEN] = U(0)
    shape = update(saved[_Q_SHAPE], _QUOTED)
    if saved[_Q_SERIAL] == U(serial):
        return shape, update(saved[_Q_SENTENCE], _QUOTED), np.int64(saved[_Q_WORDS]) + 1
    return shape, sentence, count


# One function on purpose: the running keys live in registers, and a call per token would cost more than the token.
@inlined
def scan(data: Any, start: Any, end: Any, tables: Any, words: Any, states: Any, out: Any, row: Any) -> int:  # noqa: C901, PLR0912, PLR0915
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
            length = trailing_zeros(~(letters >> U(place)))
            stop = place + length
            # A loop of its own for plain words: few enough values live in it to stay in registers.
            while length > 0 and stop < 64 and not (more >> U(stop)) & _ONE:
                value = ascii_word(data, base + place, length)
                latin += length
                text, shape = update(text, value), update(shape, value)
                count = _put(words, count, value)
                sentence = update(sentence, value)
                sentence_words += 1
                todo &= _ALL << U(stop)
                place = trailing_zeros(todo)  # 64 when nothing is left
                length = trailing_zeros(~(letters >> U(place))) if todo else 0
                stop = place + length
            if not todo:
                break
            at = base + place
            if length > 0 and stop >= 64 and place > 0:
                base = at  # the word may go on past the block: look again from its start
                span = 0
                break
            # Everything else, one token at a time.
            size, code, sort = 1, byte_at(data, at), np.int64(0)
            sort = np.int64(ascii_class[code])
            if sort == BEYOND_ASCII:
                code, size = decode(data, at, end)
                code, sort = fold_kind(code, fold, kind)
                sort &= 7
            if sort == PUNCT or sort == STOP:
                marks += code_pair(data, at, end, first, second)
                byte = byte_at(data, at)
                if code == 34 and saved[_F_OPEN] == U(0):
                    text = update(text, sign_of(34))
                    shape, sentence, sentence_words = _quote(saved, shape, sentence, sentence_words, serial)
                elif byte == 96 and at + 2 < end and byte_at(data, at + 1) == 96 and byte_at(data, at + 2) == 96:
                    fenced = True
                    text = update(text, _CODE)
                    if saved[_F_OPEN] == U(0):
                        sentences = _end_sentence(sentence, sentence_words, kept, row, sentences)
                        saved[_F_OPEN], saved[_F_SHAPE], saved[_Q_OPEN] = U(1), shape, U(0)
                        serial += 1
                    else:
                        shape = update(saved[_F_SHAPE], _CODE)
                        saved[_F_OPEN] = U(0)
                    sentence, sentence_words = _SENTENCE, 0
                    size = 3
                    extra -= 2
                elif byte == 58 and at + 2 < end and byte_at(data, at + 1) == 47 and byte_at(data, at + 2) == 47:
                    text, shape = update(text, _URL), update(shape, _URL)
                    count = _put(words, count, _URL)
                    sentence = update(sentence, _URL)
                    sentence_words += 1
                    marks += code_pair(data, at + 2, end, first, second)
                    stop, text, chars, pairs, code = url_rest(data, at + 3, end, text, fold, kind, first, second)
                    marks += pairs
                    size = stop - at
                    extra -= chars + 2
                else:
                    value = sign_of(code)
                    text, shape = update(text, value), update(shape, value)
                extra += size - 1
                at += size
                ended = sort == STOP or (
                    (code == 46 or code == 33 or code == 63) and white_at(data, at, end, fold, kind)
                )
                if ended and saved[_F_OPEN] == U(0):
                    sentences = _end_sentence(sentence, sentence_words, kept, row, sentences)
                    sentence, sentence_words, serial = _SENTENCE, 0, serial + 1
            elif sort == LETTER or sort == DIGIT:
                foreign |= sort == LETTER
                stop, value, chars = slow_word(data, at, end, sort, fold, kind, scripts)
                extra += stop - at - chars
                text = update(text, value)
                if sort == DIGIT:
                    digits += chars
                    value = _NUMBER
                shape = update(shape, value)
                count = _put(words, count, value)
                sentence = update(sentence, value)
                sentence_words += 1
                at = stop
            elif sort == SYLLABLE:
                length, before = 0, U(0)
                foreign = True
                while at < end:
                    code, size = decode(data, at, end)
                    code, sort = fold_kind(code, fold, kind)
                    if sort & 7 == SYLLABLE:
                        scripts[sort >> 3] += 1
                        value = sign_of(code)
                        text, shape = update(text, value), update(shape, value)
                        if length:
                            pair = pair_of(before, value)
                            count = _put(words, count, pair)
                            sentence = update(sentence, pair)
                            sentence_words += 1
                        length, before = length + 1, value
                    elif sort & 7 != IGNORE:
                        break
                    at += size
                    extra += size - 1
                if length == 1:
                    count = _put(words, count, before)
                    sentence = update(sentence, before)
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
        shape = update(saved[_F_SHAPE], _CODE)
    _straighten(kept, row, sentences)
    scripts[LATIN] += latin
    script = dominant(scripts) if foreign else LATIN if latin else 0
    if foreign:
        for slot in range(len(scripts)):
            scripts[slot] = 0
    scripts[LATIN] = 0
    out.text_key[row], out.shape_key[row] = key_of(text), key_of(shape)
    out.sentence_count[row] = min(sentences, 2 * _SLOTS)
    out.chars[row] = end - start - extra
    out.words[row], out.digits[row] = count, digits
    out.lines[row] = newlines + 1 if end > start else 0
    out.script[row] = script
    out.starts_lower[row] = first_is_lower(data, start, end, fold, kind)
    out.ends_question[row] = ends_question(data, start, end, fold, kind)
    out.has_code[row] = fenced or marks >= hs.CODE_MARKS
    return count
