"""Freed memory is kept where the C library can be told so, and nothing breaks where it cannot."""

from __future__ import annotations

import ctypes
import sys

import pytest

from stillwatch.cli.allocation import keep_freed_memory


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only glibc can be told")
def test_glibc_takes_the_thresholds() -> None:
    assert keep_freed_memory() == hasattr(ctypes.CDLL(None), "mallopt")


def test_another_c_library_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda _: object())
    assert not keep_freed_memory()
