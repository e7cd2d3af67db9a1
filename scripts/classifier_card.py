"""Held-out figures of the classifiers and the model card made of them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from classifier_corpus import Sample
from stillwatch.model import CAPABILITIES
from stillwatch.text.classify import lifted

TASKS = ("elicitation_bits", "grading_bits", "rewriting_bits")
Figures = dict[str, Any]


def _rates(bits: NDArray[np.float64]) -> dict[str, float]:
    return {
        "rows": len(bits),
        "over_0": round(float((bits > 0).mean()), 4),
        "over_2": round(float((bits > 2).mean()), 4),
        "over_4": round(float((bits > 4).mean()), 4),
        "mean": round(float(bits.mean()), 2),
    }


def _by(groups: NDArray[Any], bits: NDArray[np.float64]) -> dict[str, dict[str, float]]:
    return {str(name): _rates(bits[groups == name]) for name in sorted(set(groups))}


def _binary(samples: list[Sample], target: NDArray[Any], used: NDArray[Any], bits: NDArray[np.float64]) -> Figures:
    sources = np.array([sample.source for sample in samples])
    languages = np.array([sample.language for sample in samples])
    positive, negative = used & target, used & ~target
    asks = np.char.startswith(sources.astype(str), "asks") & negative
    demands = np.char.startswith(sources.astype(str), "demands") & positive
    auc = {
        name: round(float(_auc(bits, sources == name, positive, negative)), 4)
        for name in sorted(set(sources[positive]))
    }
    return {
        "auc": round(float(roc_auc_score(target[used], bits[used])), 4),
        "auc_by_positive_source": auc,
        "positives": _by(sources[positive], bits[positive]),
        "negatives": _by(sources[negative], bits[negative]),
        "benign": _rates(bits[negative & np.array([sample.benign for sample in samples])]),
        "asks_by_language": _by(languages[asks], bits[asks]),
        "demands_by_language": _by(languages[demands], bits[demands]) if demands.any() else {},
    }


def _auc(bits: NDArray[Any], rows: NDArray[Any], positive: NDArray[Any], negative: NDArray[Any]) -> float:
    both = (rows & positive) | negative
    return float(roc_auc_score(positive[both], bits[both]))


def _capability(samples: list[Sample], target: NDArray[Any], logits: NDArray[np.float32]) -> Figures:
    chosen = logits.argmax(axis=1)
    sources = np.array([sample.source for sample in samples])
    classes = {}
    for at, name in enumerate(CAPABILITIES):
        hit = int(((chosen == at) & (target == at)).sum())
        classes[name] = {
            "rows": int((target == at).sum()),
            "precision": round(hit / max(1, int((chosen == at).sum())), 3),
            "recall": round(hit / max(1, int((target == at).sum())), 3),
        }
    top = {}
    for name in sorted(set(sources)):
        rows = sources == name
        most = np.bincount(chosen[rows], minlength=len(CAPABILITIES)).argmax()
        top[name] = {
            "rows": int(rows.sum()),
            "accuracy": round(float((chosen[rows] == target[rows]).mean()), 3),
            "most_often": CAPABILITIES[int(most)],
            "labelled": CAPABILITIES[int(np.bincount(target[rows]).argmax())],
        }
    return {"accuracy": round(float((chosen == target).mean()), 3), "classes": classes, "sources": top}


def measure(
    samples: list[Sample],
    targets: list[tuple[NDArray[Any], NDArray[Any]]],
    logits: list[NDArray[np.float64]],
    calibration: list[tuple[float, float]],
) -> Figures:
    """Everything the card reports; all of it about rows whose source was not trained on."""
    raw = zip(logits[1:], calibration, strict=True)
    bits = np.stack([np.clip(held[:, 0] * slope + offset, -12, 12) for held, (slope, offset) in raw], axis=1)
    out: Figures = {
        "capability": _capability(samples, targets[0][0], lifted(logits[0].astype(np.float32), bits.astype(np.float32)))
    }
    for at, name in enumerate(TASKS):
        slope, offset = (round(value, 3) for value in calibration[at])
        out[name] = _binary(samples, *targets[at + 1], bits[:, at]) | {"slope": slope, "offset": offset}
    return out


def _table(head: tuple[str, ...], rows: list[tuple[Any, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines) + "\n"


def _rate_table(what: str, held: dict[str, dict[str, float]]) -> str:
    rows = [
        (name, r["rows"], *(f"{r[over]:.1%}" for over in ("over_0", "over_2", "over_4")), r["mean"])
        for name, r in held.items()
    ]
    return _table((what, "texts", "over 0 bits", "over +2 bits", "over +4 bits", "mean bits"), rows)


def _binary_section(name: str, held: Figures) -> str:
    parts = [
        f"## `{name}`\n",
        (
            f"AUC over all held-out texts {held['auc']:.3f}. On benign texts (people and applications) "
            f"{held['benign']['over_0']:.2%} are over 0 bits and {held['benign']['over_4']:.2%} over +4 bits.\n"
        ),
        _table(
            ("positive source, not trained on", "AUC against all negatives"),
            [(source, f"{value:.3f}") for source, value in held["auc_by_positive_source"].items()],
        ),
        "Positives:\n",
        _rate_table("source", held["positives"]),
        "Negatives (every text over 0 bits is a false positive):\n",
        _rate_table("source", held["negatives"]),
        "Ordinary questions by language, from held-out halves of the grammar (these should be flat):\n",
        _rate_table("language", held["asks_by_language"]),
    ]
    if held["demands_by_language"]:
        parts += [
            "Demands for reasoning by language, held-out halves:\n",
            _rate_table("language", held["demands_by_language"]),
        ]
    return "\n".join(parts)


_HEAD = """# Model card: per-exchange classifiers

*Written by `scripts/train_classifiers.py`; do not edit. Script version {version}, seed {seed}, {rows} texts,
{size:.2f} MB of weights.*

Linear models over hashed words and neighbouring pairs, summed in the fingerprint pass. They give a capability label and
its share, and three likelihood ratios in bits. All belong to the family `lexical`.

**Use.** Shares and means over windows, accounts and campaigns. One prompt proves nothing, and no verdict rests on this
family alone: every figure of the scan is also reported with it switched off.

**How the figures were made.** Sources are held out whole, in four folds; half of the verbs, objects, manners and
templates of each grammar are held out with them. Nothing below was measured on a source that the model was trained on.
Bits are calibrated on the same held-out logits (Platt; both classes weigh the same, sources by the root of their
size).

**Limits.** Where neither side's words are known, bits are near 0 of either sign: look at the columns over +2 and +4.
`computer_use` and `orchestration` have no source: they are trained and tested on synthetic text of our own, so their
figures say that the grammar was learned and no more. Demands for reasoning outside English are our own phrases too;
native speakers did not review them. `finetune_cot_gsm8k` and `alpaca_eval_judge` are published templates filled with
real records. Raw sensitive questions teach `rewriting_bits` nothing (topic is no evidence); audits of model answers to
such questions (`speechmap_questions`) are negatives. The share of a label is a softmax, not a calibrated probability.

"""


def render(origin: dict[str, Any], figures: Figures, size: int) -> str:
    """The card as Markdown."""
    held = figures["capability"]
    head = _HEAD.format(version=origin["script_version"], seed=origin["seed"], rows=origin["rows"], size=size / 1e6)
    classes = [(name, c["rows"], c["precision"], c["recall"]) for name, c in held["classes"].items()]
    sources = [(n, s["rows"], s["labelled"], s["accuracy"], s["most_often"]) for n, s in held["sources"].items()]
    parts = [
        f"## Capability\n\nAccuracy on held-out sources {held['accuracy']:.3f} (twelve labels).\n",
        _table(("label", "texts", "precision", "recall"), classes),
        _table(("source", "texts", "labelled", "accuracy", "said most often"), sources),
        *(_binary_section(name, figures[name]) for name in TASKS),
        "## Provenance\n",
        _table(("corpus file", "SHA-256"), [(n, f"`{d[:16]}…`") for n, d in origin["corpus_sha256"].items()]),
    ]
    return head + "\n".join(parts)
