"""What a reader of a scorecard is shown, as sections of words, tables and plots; Markdown and HTML render the same.

Everything here is text and numbers of the bench's own. A figure is shown as its median over worlds with the least and
the most; what is unknown is a dash.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from stillwatch.bench.scorecard.card import Scorecard, SuiteFigures
from stillwatch.bench.scorecard.page_parts import (
    ablation_section,
    calibration_section,
    detector_section,
    held_out_section,
    permutation_section,
    sweep_section,
)
from stillwatch.bench.scorecard.shown import UNKNOWN, Section, Table, bound, counted, figure

CLASSES_SHOWN = 12
CAMPAIGNS_SHOWN = 15
WELL_FOUND = 0.9


def sections(card: Scorecard) -> list[Section]:
    """In the order they are read; only parts that ran."""
    made: list[Section] = []
    if card.suites is not None:
        made += suite_sections(card.suites)
    if card.calibration is not None:
        made.append(calibration_section(card.calibration))
    if card.sweeps:
        made.append(sweep_section(card.sweeps))
    if card.held_out:
        made.append(held_out_section(card.held_out))
    if card.permutation is not None:
        made.append(permutation_section(card.permutation))
    if card.ablations:
        made.append(ablation_section(card.ablations))
    if card.detectors:
        made.append(detector_section(card.detectors))
    return [*made, made_section(card)]


def suite_sections(suites: Sequence[SuiteFigures]) -> list[Section]:
    """The overview, then what is behind it."""
    return [
        Section(
            title="Accounts",
            words=(
                (
                    "Account recall, precision and F1 of extraction verdicts: median over worlds, least and most in "
                    "brackets. Honest accounts accused are counted over all worlds, with the exact upper 95% bound."
                ),
            ),
            tables=(_overview(suites),),
        ),
        Section(
            title="Campaigns and verdicts",
            words=(
                (
                    "Splits and merges: found campaigns, and planned ones, that were one too many, per world. Strays "
                    "hold no part of any planned campaign. Overlap: Jaccard index of the pairs that the Hungarian "
                    "assignment makes."
                ),
            ),
            tables=(_campaigns(suites), _attribution(suites), *_confusions(suites)),
        ),
        Section(title="Tactics", tables=tuple(_tactics(suites))),
        Section(
            title="Campaigns least found",
            words=(
                f"At most {CAMPAIGNS_SHOWN} of each kind of world, the worst F1 first; scorecard.json has them all.",
            ),
            tables=tuple(_least_found(suites)),
        ),
        Section(
            title="Who was accused and is innocent",
            words=("Honest accounts in an extraction campaign, by look-alike class, the worst first.",),
            tables=tuple(_classes(suites)),
        ),
    ]


def _overview(suites: Sequence[SuiteFigures]) -> Table:
    head = ("world", "worlds", "recall", "precision", "F1", "honest accused", "per 100,000 (at most)",
            "organisations accused", "solo developers accused")  # fmt: skip
    rows = [
        (s.run, str(len(s.seeds)), figure(s.recall), figure(s.precision), figure(s.f1), counted(s.honest_accused),
         bound(s.honest_accused), counted(s.organisations_accused), counted(s.solo_developers_accused))
        for s in suites
    ]  # fmt: skip
    return Table(head=head, rows=tuple(rows))


def _campaigns(suites: Sequence[SuiteFigures]) -> Table:
    head = ("world", "splits", "merges", "strays", "overlap", "resale accounts named", "resale pools recognised")
    rows = [
        (s.run, figure(s.splits, 0), figure(s.merges, 0), figure(s.strays, 0), figure(s.jaccard, 2),
         figure(s.resale_recall, 2), figure(s.resale_pools_recognised, 2))
        for s in suites
    ]  # fmt: skip
    return Table(head=head, rows=tuple(rows))


def _attribution(suites: Sequence[SuiteFigures]) -> Table:
    head = ("world", "first capability right", "capability mix off by", "pivots found", "stated pivots right",
            "harvest estimate / all of it", "the same / by accused accounts")  # fmt: skip
    rows = [
        (s.run, figure(s.capability_right, 2), figure(s.capability_off, 2), figure(s.pivots_found, 2),
         counted(s.pivots_right), figure(s.harvest_estimate, 2), figure(s.harvest_of_found, 2))
        for s in suites
    ]  # fmt: skip
    return Table(head=head, rows=tuple(rows), says="Attribution of campaigns that were found.")


def _confusions(suites: Sequence[SuiteFigures]) -> Iterable[Table]:
    said = ("extraction", "resale", "coordinated", "none")
    for s in suites:
        rows = [(real, *(f"{row.get(name, 0):,}" for name in said)) for real, row in s.confusion.items()]
        yield Table(head=("truly", *(f"said: {name}" for name in said)), rows=tuple(rows), says=f"Accounts, {s.run}.")


def _tactics(suites: Sequence[SuiteFigures]) -> Iterable[Table]:
    head = ("tactic", "verdict", "campaigns", "accounts", "half found", "recall", "precision", "F1")
    for s in suites:
        rows = [
            (t.tactic, t.verdict, str(t.campaigns), f"{t.accounts:,}", str(t.found), figure(t.recall, 2),
             figure(t.precision, 2), figure(t.f1, 2))
            for t in s.tactics
        ]  # fmt: skip
        if rows:
            yield Table(head=head, rows=tuple(rows), says=f"Over the campaigns of {s.run}; each counts alike.")


def _least_found(suites: Sequence[SuiteFigures]) -> Iterable[Table]:
    head = ("campaign", "tactic", "verdict", "accounts", "recall", "precision", "F1", "found as", "in pieces")
    for s in suites:
        worst = sorted((c for c in s.campaigns if c.f1 < WELL_FOUND), key=lambda c: (c.f1, c.seed, c.name))
        rows = [
            (f"{c.seed}/{c.name}", c.tactic, c.verdict, f"{c.accounts:,}", f"{c.recall:.2f}",
             UNKNOWN if c.precision is None else f"{c.precision:.2f}", f"{c.f1:.2f}", c.found_as or "nothing",
             str(c.split_into))
            for c in worst[:CAMPAIGNS_SHOWN]
        ]  # fmt: skip
        if s.campaigns:
            found = len(s.campaigns) - len(worst)
            says = f"{s.run}: {found} of {len(s.campaigns)} campaigns have an F1 of {WELL_FOUND:g} or more."
            yield Table(head=head, rows=tuple(rows), says=says)


def _classes(suites: Sequence[SuiteFigures]) -> Iterable[Table]:
    head = ("class", "accused", "per 100,000 (at most)", "worlds hit", "named otherwise")
    for s in suites:
        rows = [
            (c.name, counted(c.accused), bound(c.accused), str(c.worlds_hit), f"{c.elsewhere:,}")
            for c in s.classes
            if c.accused.hits or c.elsewhere
        ]
        clean = sum(not c.accused.hits and not c.elsewhere for c in s.classes)
        says = f"{s.run}: {clean} of {len(s.classes)} classes had nobody named."
        yield Table(head=head, rows=tuple(rows[:CLASSES_SHOWN]), says=says)


def made_section(card: Scorecard) -> Section:
    """What it was made of."""
    made, machine = card.made, card.made.machine
    memory = "" if machine.memory_gb is None else f", {machine.memory_gb:g} GB"
    rows = [
        ("stillwatch", made.stillwatch),
        ("Python", made.python),
        ("configuration", made.configuration),
        ("method", made.method),
        ("weights", ", ".join(f"{key} {value}" for key, value in sorted(made.weights.items()))),
        ("corpus", made.corpus or "none: the composer's own grammar"),
        ("seeds", ", ".join(map(str, card.seeds))),
        ("machine", f"{machine.processor}, {machine.cores} cores{memory}, {machine.system}"),
        ("packages", ", ".join(f"{name} {version}" for name, version in made.packages.items())),
        *((f"part {name}", f"did not run: {why}") for name, why in card.skipped.items()),
    ]
    return Section(title="What this was made of", tables=(Table(head=("what", "which"), rows=tuple(rows), wordy=True),))
