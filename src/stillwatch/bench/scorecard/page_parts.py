"""Sections of the scorecard beyond its suites: calibration, sweeps, held out, permutations, ablations, detectors."""

from __future__ import annotations

from collections.abc import Sequence

from stillwatch.bench.scorecard.calibration import LEAST_COUNT, OFF, Calibration
from stillwatch.bench.scorecard.card import (
    AblationFigures,
    CalibrationFigures,
    DetectorFigures,
    HeldOutFigures,
    PermutationFigures,
    SweepFigures,
)
from stillwatch.bench.scorecard.shown import UNKNOWN, Plot, Section, Series, Table, bound, counted, figure
from stillwatch.bench.scorecard.statistics import Spread


def calibration_section(found: CalibrationFigures) -> Section:
    """Reliability of every probability."""
    parts = (
        ("accounts", "Probability of harvesting, all accounts", found.accounts),
        ("members", "Probability of the accounts that a campaign lists", found.members),
        ("campaigns", "Confidence of campaigns", found.campaigns),
    )
    words = [
        (
            f"Over {found.worlds} worlds. A bin of at least {LEAST_COUNT} is off where the share that was right "
            f"differs from the stated probability by more than {OFF:.0%} of it."
        )
    ]
    words += [
        f"{title}: Brier score {UNKNOWN if c.brier is None else f'{c.brier:.4f}'} over {c.count:,}; {c.off} bins off."
        for _, title, c in parts
    ]
    return Section(
        title="Calibration",
        words=tuple(words),
        tables=tuple(_bins(title, c) for _, title, c in parts),
        plots=(_reliability(parts),),
    )


def _bins(title: str, found: Calibration) -> Table:
    rows = [
        (f"{p.low:g} to {p.high:g}", f"{p.count:,}", f"{p.stated:.3f}", f"{p.right:.3f}", "off" if p.off else "")
        for p in found.points
    ]
    return Table(head=("bin", "count", "stated", "right", ""), rows=tuple(rows), says=f"{title}.")


def _reliability(parts: Sequence[tuple[str, str, Calibration]]) -> Plot:
    series = tuple(
        Series(label=label, points=tuple((p.stated, p.right, p.right, p.right) for p in c.points))
        for label, _, c in parts
    )
    return Plot(
        title="Reliability: the share that was right, by what was stated",
        x_says="stated probability",
        y_says="share right",
        series=series,
        marks=(0.0, 0.25, 0.5, 0.75, 1.0),
        diagonal=True,
    )


def sweep_section(sweeps: Sequence[SweepFigures]) -> Section:
    """A plot and a table per assumption."""
    head = ("value", "worlds", "recall", "precision", "honest accused", "per 100,000 (at most)")
    tables = [
        Table(
            head=head,
            rows=tuple(
                (f"{p.value:g}", str(p.recall.worlds if p.recall else 0), figure(p.recall), figure(p.precision),
                 counted(p.honest_accused), bound(p.honest_accused))
                for p in sweep.points
            ),
            says=f"{sweep.says}: {sweep.unit}.",
        )
        for sweep in sweeps
    ]  # fmt: skip
    return Section(
        title="What is assumed, swept",
        words=(
            (
                "Nobody has published these about real campaigns. Each is set for every group campaign of otherwise "
                "like worlds; all else is drawn as ever. Lines are medians, bars the least and the most over seeds."
            ),
        ),
        tables=tuple(tables),
        plots=tuple(_sweep_plot(sweep) for sweep in sweeps),
    )


def _sweep_plot(sweep: SweepFigures) -> Plot:
    measured = (
        ("recall", [(p.value, p.recall) for p in sweep.points]),
        ("precision", [(p.value, p.precision) for p in sweep.points]),
    )
    return Plot(
        title=sweep.says,
        x_says=sweep.unit,
        y_says="recall, precision",
        series=tuple(Series(label=label, points=_points(points)) for label, points in measured),
        marks=tuple(p.value for p in sweep.points),
        even=True,
    )


def _points(points: Sequence[tuple[float, Spread | None]]) -> tuple[tuple[float, float, float, float], ...]:
    return tuple((x, y.median, y.least, y.most) for x, y in points if y is not None)


def held_out_section(found: Sequence[HeldOutFigures]) -> Section:
    """Families, then sources."""
    head = ("held out", "what", "recall without", "recall fitted", "precision without", "precision fitted",
            "honest accused")  # fmt: skip
    rows = [
        (h.name, h.what, figure(h.without_recall), figure(h.fitted_recall), figure(h.without_precision),
         figure(h.fitted_precision), counted(h.honest_accused))
        for h in found
    ]  # fmt: skip
    return Section(
        title="Held out in turn",
        words=(
            (
                "Worlds whose campaigns are of one tactic family, or draw their prompts from one source. Without: by "
                "weights that never saw it. Fitted: by weights that did."
            ),
        ),
        tables=(Table(head=head, rows=tuple(rows)),),
    )


def permutation_section(found: PermutationFigures) -> Section:
    """Must be nothing."""
    verdicts = ", ".join(f"{count} {verdict}" for verdict, count in found.by_verdict.items()) or "none"
    rows = (
        ("permuted worlds", f"{found.permutations}"),
        ("of these with any campaign", f"{found.with_campaign}"),
        (
            "share of them, upper 95% bound",
            UNKNOWN if found.with_campaign_at_most is None else f"{found.with_campaign_at_most:.2f}",
        ),
        ("campaigns named", f"{found.campaigns} ({verdicts}; {found.alone} of one account)"),
        ("accounts accused of extraction", f"{found.accused}"),
        ("campaigns named on the same worlds unpermuted", f"{found.unpermuted}"),
    )
    return Section(
        title="Permutation control",
        words=(
            (
                "Each kind of attribute is dealt to other accounts, independently of the others, so that no two kinds "
                "agree on who belongs together. Every campaign named here is a false one."
            ),
        ),
        tables=(Table(head=("what", "count"), rows=rows),),
    )


def ablation_section(found: Sequence[AblationFigures]) -> Section:
    """One row per set of groups, the largest loss first after everything."""
    head = ("without", "recall", "recall lost", "precision", "honest accused", "per 100,000 (at most)")
    ordered = sorted(found, key=lambda a: (len(a.without), -(a.recall_lost.median if a.recall_lost else 0.0)))
    rows = [
        (" + ".join(a.without) or "nothing", figure(a.recall), figure(a.recall_lost), figure(a.precision),
         counted(a.honest_accused), bound(a.honest_accused))
        for a in ordered
    ]  # fmt: skip
    return Section(
        title="Without some evidence",
        words=("Groups of columns hidden, alone and in pairs. Weights stay as they were fitted.",),
        tables=(Table(head=head, rows=tuple(rows)),),
    )


def detector_section(found: Sequence[DetectorFigures]) -> Section:
    """One row per detector, the most valuable first."""
    head = ("detector", "family", "measured", "bits lost per suspect", "recall lost", "honest added", "resale lost", "")
    rows = [
        (d.name, d.family, UNKNOWN if d.measured is None else f"{d.measured:.0%}", figure(d.surprise),
         figure(d.recall_lost), f"{d.honest_added:+d}", figure(d.resale_lost), "" if d.earns else "earns nothing here")
        for d in found
    ]  # fmt: skip
    idle = sum(not d.earns for d in found)
    return Section(
        title="What each detector is worth",
        words=(
            (
                "What is lost when it alone is not asked; weights stay as they were fitted, and average over what they "
                f"are not told. {idle} of {len(found)} earned nothing on these worlds."
            ),
        ),
        tables=(Table(head=head, rows=tuple(rows)),),
    )
