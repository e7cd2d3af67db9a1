"""Exchanges to fingerprints: comparable forms of text and parameters that cannot be turned back into text."""

from stillwatch.text.alphabet import SCRIPTS
from stillwatch.text.fingerprint import fingerprint
from stillwatch.text.weights import TextModel, load_model

__all__ = ["SCRIPTS", "TextModel", "fingerprint", "load_model"]
