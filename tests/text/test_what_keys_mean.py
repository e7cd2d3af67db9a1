"""What makes two texts the same, near, or different."""

from __future__ import annotations

import random

import numpy as np
import pyarrow as pa
import pytest

from stillwatch.text import SCRIPTS
from stillwatch.text.features import TextFeatures
from stillwatch.text.kernel import read_column, word_table
from stillwatch.text.strings import strings_of

TABLE = word_table(np.full(1 << 14, 64, np.uint8), np.zeros((1 << 14, 16), np.int8))
PAIRS = np.zeros((2, 16), np.int8)


def read(*texts: str) -> TextFeatures:
    return read_column(strings_of(pa.array(list(texts))), TABLE, PAIRS)


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ("Hello  World", "hello\nworld"),
        ("ÜBER Größe", "über größe"),
        ("ПРИВЕТ мир", "привет МИР"),
        ("don't", "don’t"),
        ("ｆｕｌｌ width", "full width"),
        ("zero\u200bwidth", "zero width"),
    ],
)
def test_case_white_space_and_lookalike_signs_do_not_matter(one: str, two: str) -> None:
    keys = read(one, two).text_key
    assert keys[0] == keys[1]


@pytest.mark.parametrize(
    ("one", "two"), [("a b", "ab"), ("a b", "b a"), ("1", "2"), ("", "a"), ("a.", "a"), ("你好", "好你")]
)
def test_other_words_other_orders_and_other_signs_matter(one: str, two: str) -> None:
    keys = read(one, two).text_key
    assert keys[0] != keys[1]


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ("Take item 17 now", "Take item 205 now"),
        ('Write about "the sea" please', 'Write about "a very long night in town" please'),
        ("See https://a.example/x for it", "See https://b.example/y?z=1 for it"),
        ("Fix this:\n```\nfoo()\n```\nthanks", "Fix this:\n```python\nimport os\nos.exit()\n```\nthanks"),
        ("写一个关于「大海」的故事", "写一个关于「森林里的老人」的故事"),
    ],
)
def test_slots_are_masked_in_the_shape_only(one: str, two: str) -> None:
    found = read(one, two)
    assert found.shape_key[0] == found.shape_key[1]
    assert found.text_key[0] != found.text_key[1]


def test_an_unclosed_quote_masks_nothing_past_its_line() -> None:
    found = read('Say "one\nand then the same', 'Say "two\nand then the same')
    assert found.shape_key[0] != found.shape_key[1]


def shared(found: TextFeatures) -> int:
    first, second = (set(found.sentence_keys[row, : found.sentence_count[row]].tolist()) for row in (0, 1))
    return len(first & second)


def test_wrapper_sentences_are_found_at_either_end_around_changing_middles() -> None:
    rng = random.Random(1)

    def middle() -> str:
        return " ".join("".join(rng.choices("abcdefgh", k=6)) for _ in range(80)) + ". " + "Odd words in here too. " * 9

    wrapped = [f"You are a careful assistant number 4. {middle()}\nPut your answer in the last line." for _ in range(2)]
    assert shared(read(*wrapped)) >= 2


def test_sentences_end_at_full_width_stops_without_a_space() -> None:
    found = read("请一步一步地思考这个问题。然后给出最终的答案！", "请一步一步地思考这个问题。别的什么内容都可以写！")
    assert found.sentence_count.tolist() == [2, 2]
    assert shared(found) == 1


def test_short_sentences_and_decimals_are_no_sentences() -> None:
    assert read("No. Yes. It is 3.14 for e.g.x here now").sentence_count[0] == 1


def test_near_copies_share_bands_and_strangers_do_not() -> None:
    rng = random.Random(5)
    words = ["".join(rng.choices("abcdefghijklmnop", k=7)) for _ in range(4000)]
    near = strange = 0
    for _ in range(200):
        text = rng.sample(words, 60)
        edited = text.copy()
        edited[rng.randrange(60)] = "changed"
        found = read(" ".join(text), " ".join(edited), " ".join(rng.sample(words, 60)))
        near += bool((found.near_keys[0] == found.near_keys[1]).any())
        strange += bool((found.near_keys[0] == found.near_keys[2]).any())
    assert near > 190
    assert strange == 0


def test_the_gist_is_close_for_the_same_topic_and_unit_length() -> None:
    found = read(
        "bread flour yeast oven salt water", "water salt oven yeast flour bread", "tax return income form office"
    )
    gist = found.gist.astype(np.float64)
    assert np.linalg.norm(gist[0]) == pytest.approx(127, abs=3)
    np.testing.assert_array_equal(gist[0], gist[1])
    assert abs(gist[0] @ gist[2]) < 0.7 * 127**2


@pytest.mark.parametrize(
    ("text", "script"),
    [("plain words", "latin"), ("привет мир", "cyrillic"), ("你好世界", "han"), ("こんにちは", "kana"),
     ("안녕", "hangul"), ("שלום", "hebrew"), ("مرحبا", "arabic"), ("สวัสดี", "thai"), ("नमस्ते", "devanagari"),
     ("1234 !?", "none")],
)  # fmt: skip
def test_the_dominant_writing_system_is_named(text: str, script: str) -> None:
    assert SCRIPTS[read(text).script[0]] == script


def test_style_is_read_off_the_text() -> None:
    found = read("hey can u fix this?", "Dear all,\nplease help. \n", "for (i;i<2;i++){\n x();\n}\n", "今日は？")
    assert found.starts_lower.tolist() == [True, False, True, False]
    assert found.ends_question.tolist() == [True, False, False, True]
    assert found.has_code.tolist() == [False, False, True, False]
    assert found.lines.tolist() == [1, 3, 4, 1]
    assert found.chars.tolist() == [19, 24, 25, 4]
