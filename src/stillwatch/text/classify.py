"""Classifier sums of the text pass, and what the row says, to labels and bits.

The "lexical" family of evidence. Linear models over hashed words and neighbouring pairs; see docs/model-card.md for
what they were trained on and how often they are wrong. A single prompt proves nothing.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from stillwatch.model import CAPABILITIES
from stillwatch.text.features import TextFeatures
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
BITS_LIMIT = 12.0  # no prompt alone says more than this, whatever the sum


def structure_of(
    tools: NDArray[np.int32], images: NDArray[np.int32], messages: NDArray[np.int32], code: NDArray[np.bool_]
) -> NDArray[np.float32]:
    """(n, 8) features of the row beside its text, 0 or 1; absent numbers count as none."""
    some, many = tools > 0, tools >= 8
    parts = (some, many, some & (messages >= 12), images > 0, (images > 0) & some, some & code, code, messages >= 20)
    return np.stack(parts, axis=1).astype(np.float32)


def logits_of(features: TextFeatures, structure: NDArray[np.float32], model: TextModel) -> NDArray[np.float32]:
    """(n, 16): twelve capabilities, three binary labels, one unused."""
    length = np.sqrt(np.maximum(np.minimum(features.words, 256), 1).astype(np.float32))
    logits = features.scores.astype(np.float32)
    logits *= model.scale
    logits /= length[:, None]
    logits += model.bias
    logits += structure @ model.structure
    return logits


def _numbers(batch: pa.RecordBatch, name: str) -> NDArray[np.int32]:
    return np.asarray(batch.column(name).fill_null(0))


def _tool_counts(batch: pa.RecordBatch) -> NDArray[np.int32]:
    lists = batch.column("tool_names")
    return np.diff(np.asarray(lists.offsets)).astype(np.int32)


def classify(
    features: TextFeatures, batch: pa.RecordBatch, null: NDArray[np.bool_], model: TextModel
) -> dict[str, pa.Array]:
    """The classifier columns of a batch of exchanges; null where the prompt is."""
    counts = (_tool_counts(batch), _numbers(batch, "image_count"), _numbers(batch, "message_count"))
    logits = logits_of(features, structure_of(*counts, features.has_code), model)
    labels = logits[:, : len(CAPABILITIES)]
    best = labels.argmax(axis=1)
    peak = labels[np.arange(len(best)), best]
    share = 1.0 / np.exp(labels - peak[:, None]).sum(axis=1)
    bits = logits[:, 12:15] * model.slope + model.offset
    bits = np.clip(bits, -BITS_LIMIT, BITS_LIMIT)
    out = {name: pa.array(bits[:, at], mask=null) for at, name in enumerate(BINARY)}
    out["capability"] = pa.array(best.astype(np.int8), mask=null)
    out["capability_share"] = pa.array(share.astype(np.float32), mask=null)
    return out
