"""The shipped weights: word rarity and the classifiers."""

from __future__ import annotations

import msgspec
import numpy as np
from numpy.typing import NDArray


class TextModel(msgspec.Struct, frozen=True, kw_only=True):
    """Rarity of words by hash (0-255) and classifier weights. ``lexical`` False leaves the classifier columns null."""

    rarity: NDArray[np.uint8]
    lexical: bool = True

    def without_lexical(self) -> TextModel:
        """The same model with every classifier column null."""
        return msgspec.structs.replace(self, lexical=False)


def load_model() -> TextModel:
    """The shipped model."""
    return TextModel(rarity=np.full(1 << 15, 64, np.uint8))
