"""Stillwatch: from a model provider's request logs to named, explained campaigns of illicit distillation."""

from __future__ import annotations

from importlib import import_module

__version__ = "0.1.0"
# name -> module: resolved on first use, so that importing the package (and `stillwatch --help`) is quick
_PUBLIC = {
    "scan": "stillwatch.api",
    "Report": "stillwatch.report",
    "Config": "stillwatch.config",
    "load_config": "stillwatch.config",
    "compose": "stillwatch.compose",
    "Campaign": "stillwatch.model",
    "Evidence": "stillwatch.model",
    "Link": "stillwatch.model",
    "LookAlike": "stillwatch.model",
    "Member": "stillwatch.model",
    "ModelPivot": "stillwatch.model",
    "NotApplicable": "stillwatch.model",
    "ScanResult": "stillwatch.model",
    "StillwatchError": "stillwatch.errors",
    "ConfigError": "stillwatch.errors",
    "InputError": "stillwatch.errors",
    "DetectorError": "stillwatch.errors",
}
_EXPORTED = ["__version__", *_PUBLIC]
__all__ = _EXPORTED  # noqa: PLE0605 # pyright: ignore[reportUnsupportedDunderAll] - all strings


def __getattr__(name: str) -> object:
    if name not in _PUBLIC:
        raise AttributeError(f"module 'stillwatch' has no attribute {name!r}")
    module = import_module(_PUBLIC[name])
    return getattr(module, name)
