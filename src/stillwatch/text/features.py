"""What one pass over a column of texts yields, as flat arrays."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

SENTENCE_SLOTS = 8


class TextFeatures(NamedTuple):
    """Row ``i`` of every array describes text ``i``; rows of null texts are zero and must be masked by the caller."""

    text_key: NDArray[np.uint64]
    shape_key: NDArray[np.uint64]
    sentence_keys: NDArray[np.uint64]  # (n, 8), the first ``sentence_count`` are filled
    sentence_count: NDArray[np.uint8]
    near_keys: NDArray[np.uint32]  # (n, 4), meaningless where ``words`` is 0
    gist: NDArray[np.int8]  # (n, 32)
    chars: NDArray[np.int32]
    words: NDArray[np.int32]
    lines: NDArray[np.int32]
    digits: NDArray[np.int32]
    script: NDArray[np.uint8]
    starts_lower: NDArray[np.bool_]
    ends_question: NDArray[np.bool_]
    has_code: NDArray[np.bool_]
    scores: NDArray[np.int32]  # (n, 16) raw classifier sums, see ``model``


class Skimmed(NamedTuple):
    """What is kept of a text whose words do not matter."""

    key: NDArray[np.uint64]
    chars: NDArray[np.int32]
    lines: NDArray[np.int32]
    has_code: NDArray[np.bool_]


def blank(count: int) -> TextFeatures:
    """All zeros, to be filled by a pass."""

    def zeros(kind: type, *shape: int) -> NDArray[Any]:
        return np.zeros((count, *shape), kind)

    return TextFeatures(
        text_key=zeros(np.uint64),
        shape_key=zeros(np.uint64),
        sentence_keys=zeros(np.uint64, SENTENCE_SLOTS),
        sentence_count=zeros(np.uint8),
        near_keys=zeros(np.uint32, 4),
        gist=zeros(np.int8, 32),
        chars=zeros(np.int32),
        words=zeros(np.int32),
        lines=zeros(np.int32),
        digits=zeros(np.int32),
        script=zeros(np.uint8),
        starts_lower=zeros(np.bool_),
        ends_question=zeros(np.bool_),
        has_code=zeros(np.bool_),
        scores=zeros(np.int32, 16),
    )
