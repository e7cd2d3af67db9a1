"""Dictionaries as encoding a plain column would make them, whatever the file they came from held."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from stillwatch.text.machine import bare
from stillwatch.text.strings import nulls_of


@bare
def _renumber(codes: Any, null: Any, places: Any, used: Any, out: Any) -> int:
    """Number the codes by first appearance; returns how many there are."""
    count = 0
    for row in range(len(codes)):
        if null[row]:
            continue
        code = codes[row]
        if places[code] < 0:
            places[code] = count
            used[count] = code
            count += 1
        out[row] = places[code]
    return count


def in_order(column: pa.DictionaryArray) -> pa.DictionaryArray:
    """The same values with a dictionary in order of first appearance, and nothing in it that no row uses.

    A file's dictionary serves more rows than one batch: left as it is, the words of a scan would be numbered by how
    its input was written and split.
    """
    size = len(column.dictionary)
    null = nulls_of(column)
    places, used = np.full(size, -1, np.int32), np.zeros(size, np.int32)
    out = np.zeros(len(column), np.int32)
    codes = np.array(column.indices.fill_null(0), np.int32)
    count = _renumber(codes, null, places, used, out)
    known = column.dictionary.take(pa.array(used[:count]))
    return pa.DictionaryArray.from_arrays(pa.array(out, mask=null if null.any() else None), known)
