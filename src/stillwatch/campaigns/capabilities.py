"""What a campaign harvests: its mix of capabilities, decided over all its harvest rows at once.

One prompt says little ("Continue." may be anything), so rows are read in company: those of the same form (with images,
with tools) and of the same kind of traffic make one cell, and a cell is judged by what its rows are like on average,
what the rows of its form are like, and what the campaign is like. Small networks fitted on composed campaigns
(``scripts/fit_capabilities.py``) turn that into shares; ``other`` is organic traffic on the same accounts. It does not
know capabilities that nobody composed, and of two that make up nearly equal shares it may name either first.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import resources

import msgspec
import numpy as np
import numpy.typing as npt

from stillwatch.detectors.suspect import Suspect
from stillwatch.errors import ConfigError
from stillwatch.model import CAPABILITIES

Int = npt.NDArray[np.int64]
Float = npt.NDArray[np.float64]
OTHER = CAPABILITIES.index("other")
MOST_ROWS = 60_000  # evenly spaced beyond: shares of a mix are known to half a percent by then
PSEUDO_ROWS = 4.0  # of the same form, added to every cell so that a cell of one row is no more than a hint
LEAST_SHARE = 0.01
# what a row of a form can be: without images, with tools alone, with images alone, with both
_WORDS_ONLY = frozenset(CAPABILITIES) - {"vision", "computer_use"}
_ACTING = frozenset({"coding", "agentic_coding", "tool_use", "orchestration", "data_analysis", "computer_use", "other"})
_SEEING = frozenset({"vision", "computer_use", "other"})
_EITHER = _SEEING | {"tool_use", "agentic_coding"}
POSSIBLE = np.array([[n in form for n in CAPABILITIES] for form in (_WORDS_ONLY, _ACTING, _SEEING, _EITHER)])
FARTHEST = 5.0  # standard deviations: what is stranger than anything fitted on says no more
LEAST_CHANCE = 1e-6  # of what a form can be, where the networks know nothing of it
USUAL_OUTPUT = 0.75  # tenths of log2 tokens, some 180, where the number is not known
FORMS = 4  # with images or not, with tools or not
_BITS = ("elicitation", "grading", "rewriting")
ROW = (
    *(f"label_{name}" for name in CAPABILITIES),
    "prompt", *_BITS, "image", "tools", "tool_count", "code", "response_code", "chars", "short", "lines", "digits",
    "question", "lower", "output", "answered", "system", "foreign", "turns", "opening",
    "shape_spread", "system_spread", "tools_spread", "text_spread", "kind_share", "kind_reach",
)  # fmt: skip
CELL = ("form_share", "tools_entropy", "tools_commonest", "share", "rows", "prompted", "campaign_rows")
FEATURES = (*(f"{of}_{name}" for of in ("cell", "form", "campaign") for name in ROW), *CELL)


ANSWERED = FEATURES.index("campaign_answered")
IMAGE, TOOLS = FEATURES.index("form_image"), FEATURES.index("form_tools")
ANSWERED_SHARE = 0.5  # of the rows, for their responses to be read
NO_RESPONSE = {"answered": 0.0, "response_code": 0.0}  # what a row says where the source logs no responses


class Network(msgspec.Struct, frozen=True, kw_only=True):
    """One hidden layer of tanh units, then softmax over ``CAPABILITIES``."""

    inner: tuple[tuple[float, ...], ...]
    inner_bias: tuple[float, ...]
    outer: tuple[tuple[float, ...], ...]
    outer_bias: tuple[float, ...]

    def __call__(self, x: Float) -> Float:
        """Shares (n, 12) of standardised features (n, len(FEATURES))."""
        logits = np.tanh(x @ np.array(self.inner) + np.array(self.inner_bias)) @ np.array(self.outer)
        logits = logits + np.array(self.outer_bias)
        raised = np.exp(logits - logits.max(axis=1, keepdims=True))
        return raised / raised.sum(axis=1, keepdims=True)


class Reader(msgspec.Struct, frozen=True, kw_only=True):
    """Fitted networks, whose shares are averaged, and how features are put on one scale.

    ``blind`` are for sources that log no responses: an answer nobody kept is not an answer without code.
    """

    version: str
    features: tuple[str, ...]
    mean: tuple[float, ...]
    scale: tuple[float, ...]
    networks: tuple[Network, ...]
    blind: tuple[Network, ...]
    provenance: dict[str, str]

    def standardised(self, features: Float) -> Float:
        return np.clip((features - np.array(self.mean)) / np.array(self.scale), -FARTHEST, FARTHEST)

    def __call__(self, features: Float) -> Float:
        """Shares of capabilities per cell."""
        answered = features[0, ANSWERED] >= ANSWERED_SHARE
        x = self.standardised(features if answered else without(features, NO_RESPONSE))
        form = 2 * (features[:, IMAGE] > 0) + (features[:, TOOLS] > 0)
        share = np.mean([network(x) for network in (self.networks if answered else self.blind)], axis=0)
        share = share * POSSIBLE[form] + LEAST_CHANCE * POSSIBLE[form]
        return share / share.sum(axis=1, keepdims=True)


def without(features: Float, blank: Mapping[str, float]) -> Float:
    """The features with these values in place of what rows say, in every company."""
    out = features.copy()
    for i, name in enumerate(FEATURES):
        out[:, i] = blank.get(name.partition("_")[2], out[:, i])
    return out


@cache
def load_reader() -> Reader:
    """The shipped file."""
    where, hint = "campaigns/capabilities.json", "run scripts/fit_capabilities.py"
    try:
        raw = resources.files("stillwatch.campaigns").joinpath("capabilities.json").read_bytes()
        reader = msgspec.json.decode(raw, type=Reader)
    except (FileNotFoundError, msgspec.DecodeError) as error:
        raise ConfigError(f"fitted weights cannot be read: {error}", where=where, hint=hint) from error
    if reader.features != FEATURES:
        raise ConfigError("fitted weights are for other features", where=where, hint=hint)
    return reader


def capability_mix(suspect: Suspect, rows: Int, *, harvested: bool, reader: Reader | None = None) -> dict[str, float]:
    """Label -> share of ``rows``, the largest first, summing to 1; ``other`` where nothing was seen of what was asked.

    ``harvested``: the rows are a harvest, so organic traffic among them is left out of the count.
    """
    facts = suspect.scene.facts
    seen = facts.has_prompt[rows] | (facts.number("image_count")[rows] > 0) | (facts.number("tool_count")[rows] > 0)
    if not seen.any():
        return {"other": 1.0}
    features, cell = cells(suspect, spaced(rows))
    share = np.bincount(cell, minlength=len(features)) @ (reader or load_reader())(features)
    if harvested:
        share[OTHER] = 0.0
    share /= share.sum()
    kept = np.where(share >= LEAST_SHARE, share, 0)
    kept = np.round(kept / kept.sum(), 4)
    return {CAPABILITIES[i]: float(kept[i]) for i in np.argsort(-kept, kind="stable").tolist() if kept[i] > 0}


def spaced(rows: Int) -> Int:
    """At most ``MOST_ROWS`` of these rows."""
    return rows[:: -(-len(rows) // MOST_ROWS)]


def cells(suspect: Suspect, rows: Int) -> tuple[Float, Int]:
    """Features (cells, len(FEATURES)) and the cell of each row. O(rows)."""
    row = row_features(suspect, rows)
    tools = row[:, ROW.index("tools")] > 0
    form = 2 * (row[:, ROW.index("image")] > 0) + tools
    kind = suspect.scene.kind[rows] + 1
    name, cell = np.unique(form * (int(kind.max()) + 1) + kind, return_inverse=True)
    first = np.unique(cell, return_index=True)[1]
    of = form[first]
    by_form = _sums(row, form, FORMS) / np.maximum(np.bincount(form, minlength=FORMS), 1)[:, None]
    size = np.bincount(cell, minlength=len(name)).astype(np.float64)
    own = (_sums(row, cell, len(name)) + PSEUDO_ROWS * by_form[of]) / (size[:, None] + PSEUDO_ROWS)
    whole = np.broadcast_to(row.mean(axis=0), own.shape)
    rest = [size / len(rows), np.log2(size) / 10, kind[first] > 0, np.full(len(name), np.log2(len(rows)) / 12)]
    used = suspect.scene.facts.dense("tools_key")[rows]
    return np.concatenate([own, by_form[of], whole, _forms(form, used)[of], np.stack(rest, axis=1)], axis=1), cell


def row_features(suspect: Suspect, rows: Int) -> Float:
    """(rows, len(ROW)), each roughly in -1..1; what is unknown counts as none."""
    facts = suspect.scene.facts

    def known(name: str, otherwise: float = 0.0) -> Float:
        return np.nan_to_num(facts.number(name)[rows], nan=otherwise)

    def logs(name: str, scale: float) -> Float:
        return np.log2(1 + known(name)) / scale

    prompted = facts.has_prompt[rows] & ~np.isnan(facts.number("capability")[rows])
    labels = np.zeros((len(rows), len(CAPABILITIES)))
    labels[prompted, known("capability").astype(np.int64)[prompted]] = known("capability_share")[prompted]
    chars = logs("prompt_chars", 10)
    columns = [
        prompted,
        *(np.clip(known(f"{name}_bits"), -6, 6) / 6 for name in _BITS),
        known("image_count") > 0,
        known("tool_count") > 0,
        logs("tool_count", 3),
        known("has_code"),
        known("response_has_code"),
        chars,
        (chars < 0.55) & prompted,  # some 45 characters: hardly a task of its own
        logs("prompt_lines", 5),
        5 * known("digit_share"),
        known("ends_question"),
        known("starts_lower"),
        np.nan_to_num(np.log2(1 + facts.number("output_tokens")[rows]) / 10, nan=USUAL_OUTPUT),
        ~np.isnan(facts.number("response_chars")[rows]),
        facts.key("system_key")[rows] > 0,
        known("script") > 0,
        np.log2(np.maximum(known("message_count", 1.0), 1)) / 5,
        facts.opening[rows],
        *_company(suspect, rows),
    ]
    return np.concatenate([labels, np.stack([np.asarray(c, np.float64) for c in columns], axis=1)], axis=1)


def _company(suspect: Suspect, rows: Int) -> list[Float]:
    """How many accounts use the same texts, and how common the row's kind of traffic is in the campaign."""
    facts = suspect.scene.facts
    account = facts.account[rows]
    found: list[Float] = []
    for name in ("shape_key", "system_shape_key", "tools_key", "text_key"):
        value = facts.dense(name)[rows]
        found.append(np.where(value > 0, np.log2(_holders(value, account)) / 8, 0.0))
    kind = suspect.scene.kind[rows] + 1
    share = np.bincount(kind)[kind] / len(rows)
    reach = _holders(kind, account) / len(np.unique(account))
    return [*found, np.where(kind > 0, 4 * share, 0.0), np.where(kind > 0, reach, 0.0)]


def _holders(value: Int, account: Int) -> Float:
    """Accounts that have the row's value."""
    distinct, at = np.unique(value, return_inverse=True)
    width = int(account.max()) + 1
    pairs = np.unique(at * width + account) // width
    return np.bincount(pairs, minlength=len(distinct))[at].astype(np.float64)


def _sums(row: Float, group: Int, count: int) -> Float:
    found = np.zeros((count, row.shape[1]))
    for column in range(row.shape[1]):
        found[:, column] = np.bincount(group, weights=row[:, column], minlength=count)
    return found


def _forms(form: Int, tools: Int) -> Float:
    """(FORMS, 3): share of the rows, and how varied the tool sets are: an agent has one, lists of tool tasks many."""
    found = np.zeros((FORMS, 3))
    for i in np.unique(form).tolist():
        used = np.bincount(np.unique(tools[form == i], return_inverse=True)[1])
        share = used / used.sum()
        varied = (-(share * np.log2(share)).sum() / 4, share.max()) if i % 2 else (0.0, 0.0)
        found[i] = ((form == i).mean(), *varied)
    return found
