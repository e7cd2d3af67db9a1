"""The shipped weights: word rarity and the classifiers.

Knows how the file is laid out and what it was trained on; training itself is ``scripts/train_classifiers.py``.
"""

from __future__ import annotations

from functools import lru_cache
from importlib.resources import files
from io import BytesIO
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from stillwatch.text.vectors import word_table

BUCKETS, PAIR_BUCKETS = 1 << 14, 1 << 15


class TextModel(msgspec.Struct, frozen=True, kw_only=True):
    """What fingerprints need besides the text.

    ``table`` (2^14, 64) int8: per word bucket 32 signed rarities and 16 classifier weights; ``pairs`` (2^15, 16) int8:
    classifier weights of neighbouring words; ``structure`` (k, 16) float32: weights of what the row says (tools,
    images, turns); ``bias``, ``scale`` (16,) float32: raw sums to logits; ``slope``, ``offset`` (3,) float32: logits
    of the binary labels to bits. ``lexical`` False leaves every classifier column null.
    """

    table: NDArray[np.int8]
    pairs: NDArray[np.int8]
    structure: NDArray[np.float32]
    bias: NDArray[np.float32]
    scale: NDArray[np.float32]
    slope: NDArray[np.float32]
    offset: NDArray[np.float32]
    lexical: bool = True
    provenance: str = ""

    def without_lexical(self) -> TextModel:
        """The same model with every classifier column null."""
        return msgspec.structs.replace(self, lexical=False)


def model_from(arrays: dict[str, NDArray[Any]]) -> TextModel:
    """A model of the arrays of a weights file: rarity, singles, pairs, structure, bias, scale, slope, offset."""
    table = word_table(arrays["rarity"], arrays["singles"])
    return TextModel(
        table=table,
        pairs=arrays["pairs"],
        structure=arrays["structure"],
        bias=arrays["bias"],
        scale=arrays["scale"],
        slope=arrays["slope"],
        offset=arrays["offset"],
        provenance=str(arrays.get("provenance", "")),
    )


@lru_cache(maxsize=1)
def load_model() -> TextModel:
    """The shipped model (read once; a few milliseconds)."""
    content = files("stillwatch.text").joinpath("weights.npz").read_bytes()
    with np.load(BytesIO(content), allow_pickle=False) as held:
        return model_from(dict(held))
