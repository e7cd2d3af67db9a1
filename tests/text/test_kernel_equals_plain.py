"""The compiled pass computes what the plain reference says, on any text and any layout of the column."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from stillwatch.text import plain
from stillwatch.text.features import TextFeatures
from stillwatch.text.kernel import read_column, skim_column, word_table
from stillwatch.text.strings import strings_of

_draw = np.random.default_rng(3)
RARITY = _draw.integers(1, 127, 1 << 14).astype(np.uint8)
SINGLES = _draw.integers(-127, 128, (1 << 14, 16)).astype(np.int8)
PAIRS = _draw.integers(-127, 128, (1 << 15, 16)).astype(np.int8)
TABLE = word_table(RARITY, SINGLES)

PIECES = st.sampled_from(
    [
        "Hello", "WORLD", "naïve", "Größe", "Ελλάδα", "ПРИВЕТ", "don’t", "snake_case", "x" * 70, "Abcdefgh",
        "abcdefghi",
        " ", "  ", "\n", "\r\n", "\t", "\u3000", "\u00a0", "\u2028", ".", "!", "?", ". ", "? ", ".\n", "。",
        "！", "？", "…",
        '"', "“", "”", "'", "`", "```", "://", "https://a.b/c?d=1.", "42", "3.14", "٣", "请一步", "一", "ตัวอย่าง",
        "カナ", "한글",
        "();", "){", "==", ";\n", "\u200b", "\ufe0f", "😀", "𠀀", "e\u0301", "－", "Ａ", "\x00", "।",
    ]
)  # fmt: skip
TEXTS = st.one_of(st.lists(PIECES, max_size=30).map("".join), st.text(max_size=80))
COLUMNS = st.lists(st.one_of(st.none(), TEXTS), max_size=8)


def both(texts: list[str | None]) -> tuple[TextFeatures, TextFeatures]:
    fast = read_column(strings_of(pa.array(texts, pa.string())), TABLE, PAIRS)
    return fast, plain.read_all(texts, RARITY.tolist(), SINGLES, PAIRS)


def assert_equal(fast: TextFeatures, slow: TextFeatures) -> None:
    for name in fast._fields:
        np.testing.assert_array_equal(getattr(fast, name), getattr(slow, name), err_msg=name)


@settings(max_examples=150, deadline=None)
@given(COLUMNS)
@example(['open "quote\nnever closed" and more'])
@example(["```\ncode without an end"])
@example(['He said "one. two three four five." and went on "again".'])
def test_the_compiled_pass_equals_the_plain_one(texts: list[str | None]) -> None:
    assert_equal(*both(texts))


@pytest.mark.parametrize("count", [0, 1, 2, 3, 255, 256, 257, 300, 700])
def test_the_ends_of_long_texts_are_kept_in_order(count: int) -> None:
    text = " ".join(f"word{chr(97 + i % 26)}{chr(97 + i // 26)}. Four words make sentence." for i in range(count))
    assert_equal(*both([text, text[:-1], None]))


@pytest.mark.parametrize("length", range(60, 70))
def test_words_across_the_edge_of_a_block_are_whole(length: int) -> None:
    assert_equal(
        *both(["a" * length + " tail", "b " * length + "ccc", "x" * (length - 3) + "é z", " " * length + "end?"])
    )


@settings(max_examples=40, deadline=None)
@given(st.lists(st.one_of(st.none(), TEXTS), min_size=1, max_size=12), st.data())
def test_slices_and_wide_offsets_read_the_same(texts: list[str | None], data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(texts) - 1))
    for kind in (pa.string(), pa.large_string(), pa.string_view(), pa.dictionary(pa.int32(), pa.string())):
        column = pa.array(texts, pa.string()).cast(kind)[start:]
        fast = read_column(strings_of(column), TABLE, PAIRS)
        assert_equal(fast, read_column(strings_of(pa.array(texts[start:], pa.string())), TABLE, PAIRS))


@settings(max_examples=100, deadline=None)
@given(COLUMNS)
def test_skimming_equals_the_plain_one(texts: list[str | None]) -> None:
    found = skim_column(strings_of(pa.array(texts, pa.string())))
    for row, text in enumerate(texts):
        expected = (0, 0, 0, False) if text is None else plain.skim(text)
        assert tuple(column[row] for column in found) == expected


def test_bytes_that_are_not_utf8_do_no_harm() -> None:
    broken = pa.Array.from_buffers(
        pa.string(),
        3,
        [None, pa.py_buffer(np.array([0, 3, 5, 9], np.int32)), pa.py_buffer(b"\xff\xc3\xe4\xf0\x9fab\xe2\x82")],
    )
    assert read_column(strings_of(broken), TABLE, PAIRS).words.tolist() is not None
