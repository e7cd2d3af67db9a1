"""Classifier sums of the text pass, and what the row says, to labels and bits.

The "lexical" family of evidence. Linear models over hashed words and neighbouring pairs; see docs/model-card.md for
what they were trained on and how often they are wrong. A single prompt proves nothing.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from stillwatch.model import CAPABILITIES
from stillwatch.text.features import TextFeatures
from stillwatch.text.machine import bare, inlined
from stillwatch.text.strings import nulls_of
from stillwatch.text.weights import TextModel

BINARY = ("elicitation_bits", "grading_bits", "rewriting_bits")
STRUCTURE = (
    "tools",
    "many_tools",
    "delegation",
    "images",
    "image_and_tools",
    "tools_and_code",
    "code",
    "long_dialogue",
)
LONGEST = 256  # words that the sums can hold
_LABELS = len(CAPABILITIES)
_NAT = np.float32(np.log(2.0))  # nats of a bit
BITS_LIMIT = np.float32(12.0)  # no prompt alone says more than this, whatever the sum


def structure_of(
    tools: NDArray[np.int32], images: NDArray[np.int32], messages: NDArray[np.int32], code: NDArray[np.bool_]
) -> NDArray[np.float32]:
    """(n, 8) features of the row beside its text, 0 or 1; absent numbers count as none."""
    some, many = tools > 0, tools >= 8
    parts = (some, many, some & (messages >= 12), images > 0, (images > 0) & some, some & code, code, messages >= 20)
    return np.stack(parts, axis=1).astype(np.float32)


LIFTED = (0, 1, 9)  # reasoning, rubric_grading, policy_rewriting: what the three binary labels are about


def lifted(labels: NDArray[np.float32], bits: NDArray[np.float32]) -> NDArray[np.float32]:
    """Capability logits (n, 12) with what the binary labels know: positive bits (n, 3) count for their capability."""
    out = labels.copy()
    out[:, LIFTED] += np.maximum(bits, 0.0) * np.float32(np.log(2.0))
    return out


def logits_of(
    scores: NDArray[np.int32], words: NDArray[np.int32], structure: NDArray[np.float32], model: TextModel
) -> NDArray[np.float32]:
    """(n, 16): twelve capabilities, three binary labels, one unused. The plain form of ``_classify_rows``."""
    length = np.sqrt(np.clip(words, 1, LONGEST).astype(np.float32))
    logits = scores * model.scale / length[:, None] + model.bias + structure @ model.structure
    return logits.astype(np.float32)


@bare
def _classify_rows(scores: Any, words: Any, said: Any, code: Any, linear: Any, calibration: Any, out: Any) -> None:
    """Fill (n, 5): capability, its share, and three times bits. ``said``: (n, 3) tools, images, messages."""
    structure, bias, scale, logits = linear
    for row in range(len(words)):
        tools, images, messages = said[row, 0], said[row, 1], said[row, 2]
        inverse = np.float32(1.0) / np.sqrt(np.float32(min(max(words[row], 1), LONGEST)))
        for label in range(16):
            logits[label] = bias[label] + scores[row, label] * scale[label] * inverse
        for at in range(len(structure)):
            if _holds(at, tools, images, messages, code[row]):
                for label in range(16):
                    logits[label] += structure[at, label]
        for at in range(3):
            bits = logits[_LABELS + at] * calibration[0, at] + calibration[1, at]
            bits = min(max(bits, -BITS_LIMIT), BITS_LIMIT)
            logits[LIFTED[at]] += max(bits, np.float32(0.0)) * _NAT
            out[row, 2 + at] = bits
        best = 0
        for label in range(1, _LABELS):
            if logits[label] > logits[best]:
                best = label
        total = np.float32(0.0)
        for label in range(_LABELS):
            total += np.exp(logits[label] - logits[best])
        out[row, 0], out[row, 1] = np.float32(best), np.float32(1.0) / total


@inlined
def _holds(at: Any, tools: Any, images: Any, messages: Any, code: Any) -> Any:
    """Whether structural feature ``at`` holds; see ``structure_of``."""
    return (
        (at == 0 and tools > 0)
        or (at == 1 and tools >= 8)
        or (at == 2 and tools > 0 and messages >= 12)
        or (at == 3 and images > 0)
        or (at == 4 and images > 0 and tools > 0)
        or (at == 5 and tools > 0 and code)
        or (at == 6 and code)
        or (at == 7 and messages >= 20)
    )


def _said(batch: pa.RecordBatch) -> NDArray[np.int32]:
    said = np.zeros((batch.num_rows, 3), np.int32)
    lists = batch.column("tool_names")
    said[:, 0] = np.where(nulls_of(lists), 0, np.diff(np.asarray(lists.offsets)))
    for at, name in enumerate(("image_count", "message_count"), start=1):
        if batch.column(name).null_count < batch.num_rows:
            said[:, at] = np.asarray(batch.column(name).fill_null(0))
    return said


def classify(
    features: TextFeatures, batch: pa.RecordBatch, null: NDArray[np.bool_], model: TextModel
) -> dict[str, pa.Array]:
    """The classifier columns of a batch of exchanges; null where the prompt is."""
    found = np.zeros((batch.num_rows, 5), np.float32)
    calibration = np.stack([model.slope, model.offset])
    said = _said(batch)
    linear = (model.structure, model.bias, model.scale, np.zeros(16, np.float32))
    _classify_rows(features.scores, features.words, said, features.has_code, linear, calibration, found)
    names = ("capability", "capability_share", *BINARY)
    columns = [found[:, 0].astype(np.int8), *(np.ascontiguousarray(found[:, at]) for at in range(1, 5))]
    return {name: pa.array(values, mask=null) for name, values in zip(names, columns, strict=True)}
