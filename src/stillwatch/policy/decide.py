"""From standings to decisions: pure, the same live and in a replay.

The strongest action wins per account. Deciding again on the same standings gives nothing new. What no longer holds
lapses; what was not looked at stays until it expires by itself.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from stillwatch.model import Decision, Mode
from stillwatch.policy.blast import Caps
from stillwatch.policy.book import Book
from stillwatch.policy.dice import id_of, share_of
from stillwatch.policy.holding import found_as, reasons, shields
from stillwatch.policy.outcome import HELD, Held, Lapse, LapseKind, Outcome, Spared, lapse_of
from stillwatch.policy.rules import Policy, rank, touches
from stillwatch.policy.standing import Account, Standing
from stillwatch.policy.wishes import Stage, Wish, wishes

EPOCH = timedelta(hours=1)  # one rule decides on one account and campaign once in an epoch, however often it is asked
RENEWED_BEFORE = 1 / 8  # of its duration: time enough for many minings, so that nothing ends in between


def decide(
    policy: Policy,
    standings: Iterable[Standing],
    live: Iterable[Decision],
    now: datetime,
    mode: Mode,
    share: float = 0.0,
    key: bytes = b"",
) -> Outcome:
    """What to decide, to take back, to hold and to spare, given what is known and what was decided before.

    ``standings``: at most one per account and campaign, in any order. ``live``: every decision that has not expired,
    undone ones and those of persons included. ``share``: of accounts that are enforced where ``mode`` is ``staged``.
    ``key``: draws that share and the jitter; keep it secret, and the same in a replay. Cost: O(standings x rules +
    decisions).
    """
    standings = sorted(standings, key=lambda one: (*one.account, one.campaign_id or ""))
    book = Book.of(live, now)
    if mode == "off":
        return Outcome(lapse=tuple(lapse_of(d, "mode") for ds in book.by_rule.values() for d in ds))
    turn = _Turn(policy, book, standings, Stage(mode=mode, share=share, key=key))
    asked, spared = wishes(policy, standings, book, now, turn.stage)
    turn.settle(asked)
    lapsed = turn.lapsed()
    kept = sum(len(decisions) for decisions in book.by_rule.values()) - len(lapsed)
    return Outcome(
        new=tuple(turn.new),
        lapse=tuple(lapsed),
        held=tuple(turn.held),
        spared=(*spared, *turn.spared),
        kept=kept,
    )


def decision_id(wish: Wish, policy: Policy, at: datetime) -> str:
    """The same on every machine: of account, rule and its version, campaign, and the epoch it begins in."""
    standing, epoch = wish.standing, int(at.timestamp() // EPOCH.total_seconds())
    name = (*standing.account, wish.rule.name, policy.digest, standing.campaign_id, wish.action, wish.simulated)
    return "d-" + id_of(*name, epoch)


class _Turn:
    """One time of deciding. Collects what is new, held, and which standing decisions are wanted still."""

    def __init__(self, policy: Policy, book: Book, standings: Sequence[Standing], stage: Stage) -> None:
        self.stage, self.new, self.held, self.spared = stage, list[Decision](), list[Held](), list[Spared]()
        self._policy, self._book, self._now = policy, book, book.now
        self._caps = Caps(policy, book, standings)
        self._wanted: defaultdict[Account, list[Decision]] = defaultdict(list)
        self._of: defaultdict[Account, list[Standing]] = defaultdict(list)
        for standing in standings:
            self._of[standing.account].append(standing)

    def settle(self, asked: dict[Account, list[Wish]]) -> None:
        """Take every account's strongest wish; where it has to wait, the next milder one that need not."""
        waiting: set[Account] = set()
        pending = asked
        while pending:
            stopped = self._caps.held([found[0] for found in pending.values() if self._is_capped(found[0])])
            rest: dict[Account, list[Wish]] = {}
            for account, found in pending.items():
                milder = [wish for wish in found if wish.rank < found[0].rank and touches(wish.action)]
                if self._take(found[0], stopped, waiting) and milder:
                    rest[account] = milder
            pending = rest

    def _matched(self, wish: Wish) -> list[Decision]:
        """Standing decisions that say what the wish says."""
        return [
            decision
            for decision in self._book.rules_of(wish.standing.account)
            if decision.action == wish.action
            and decision.value == wish.value
            and decision.scope == wish.rule.scope
            and decision.campaign_id == wish.standing.campaign_id
            and decision.simulated == wish.simulated
        ]

    def _is_capped(self, wish: Wish) -> bool:
        """Whether it would touch an account more than it is touched now."""
        covered = self._book.covered(wish.standing.account, wish.rank)
        return wish.counts and not covered and not self._matched(wish) and not self._continues(wish)

    def _continues(self, wish: Wish) -> bool:
        """Whether the account is under something as strong already, for another campaign or until now."""
        return any(
            rank(decision.action, decision.value) >= wish.rank
            for decision in self._book.rules_of(wish.standing.account)
            if not decision.held and decision.simulated == wish.simulated
        )

    def _take(self, wish: Wish, stopped: dict[tuple[str | None, str], tuple[str, bool]], waiting: set[Account]) -> bool:
        """Decide on a wish; True where it waits and something milder may be done until then."""
        account = wish.standing.account
        standing = self._matched(wish)
        if standing:
            self._wanted[account] += standing
            if all(decision.held for decision in standing):
                waiting.add(account)
                return True
            self._renew(wish, max(decision.expires_at for decision in standing))
            return False
        if touches(wish.action) and self._book.covered(account, wish.rank):
            return False  # a person has done as much
        group = wish.standing.campaign_id, wish.rule.name
        why, final = stopped.get(group, ("", False)) if self._is_capped(wish) else ("", False)
        if why and account in waiting:  # one decision per account waits, not the whole ladder
            return not final
        if self._add(wish, self._now, why) and why:
            waiting.add(account)
        return bool(why) and not final

    def _renew(self, wish: Wish, ends: datetime) -> None:
        left = timedelta(hours=wish.rule.duration_h) * RENEWED_BEFORE
        if ends - self._now < left:
            self._add(wish, ends, "")

    def _add(self, wish: Wish, at: datetime, held: str) -> bool:
        """One new decision from ``at`` on; False where the same was taken back within this epoch."""
        rule, standing, name = wish.rule, wish.standing, decision_id(wish, self._policy, at)
        if name in self._book.ids:
            self._spare(wish, "it was taken back within this hour; the next one decides again")
            return False
        at_once = at > self._now or not touches(wish.action) or self._continues(wish)
        late = 0.0 if at_once else share_of(self.stage.key, "jitter", name) * rule.jitter_s
        starts = at + timedelta(milliseconds=round(late * 1000))
        notes = [*((wish.note,) if wish.note else ()), *((HELD + held,) if held else ())]
        decision = Decision(
            decision_id=name,
            platform=standing.platform,
            account_id=standing.account_id,
            action=wish.action,
            value=wish.value,
            scope=rule.scope,
            simulated=wish.simulated,
            held=bool(held),
            campaign_id=standing.campaign_id,
            verdict=standing.verdict,
            confidence=standing.confidence,
            probability=standing.probability,
            rule=rule.name,
            rule_version=self._policy.digest,
            made_at=self._now,
            starts_at=starts,
            expires_at=starts + timedelta(hours=rule.duration_h),
            because=(*reasons(rule, standing), *notes),
        )
        self.new.append(decision)
        self._wanted[standing.account].append(decision)
        if held:
            says = {"platform": standing.platform, "account_id": standing.account_id, "because": held}
            self.held.append(Held(decision_id=name, **says))
        return True

    def _spare(self, wish: Wish, because: str) -> None:
        standing, rule = wish.standing, wish.rule
        self.spared.append(
            Spared(
                platform=standing.platform,
                account_id=standing.account_id,
                action=wish.action,
                rule=rule.name,
                campaign_id=standing.campaign_id,
                because=because,
            )
        )

    def lapsed(self) -> list[Lapse]:
        """Standing decisions of rules that are wanted no more, in order of account."""
        wanted = {d.decision_id for decisions in self._wanted.values() for d in decisions}
        return [
            lapse_of(decision, why)
            for account in sorted(self._book.by_rule)
            for decision in self._book.by_rule[account]
            if decision.decision_id not in wanted and (why := self._why(account, decision)) is not None
        ]

    def _why(self, account: Account, decision: Decision) -> LapseKind | None:
        """Why a decision that nothing asks for any more is taken back; None where it stays for now."""
        seen = self._of.get(account, [])
        barred = self._barred(account, decision) if touches(decision.action) else None
        if barred or not seen:
            return barred
        standing = [*self._wanted[account], *self._book.by_person.get(account, ())]
        others = [other for other in standing if touches(other.action) and not other.held]
        if any(self._follows(other, decision) for other in others):
            return None
        if others:
            return "superseded"
        if not any(_repeats(standing, decision) for standing in seen):
            return "fell_away"
        return "weakened" if decision.rule_version == self._policy.digest else "policy"

    def _barred(self, account: Account, decision: Decision) -> LapseKind | None:
        """What forbids a decision that touches, whether or not its account was looked at."""
        where = self._of.get(account) or [Standing(platform=account[0], account_id=account[1])]
        if any(shields(one, standing, self._now) for one in self._policy.protected for standing in where):
            return "protected"
        return "mode" if not decision.simulated and self.stage.simulates(account) else None

    def _follows(self, other: Decision, decision: Decision) -> bool:
        """Whether the other is to take the decision's place and has not begun: until then nothing is taken away."""
        return (
            touches(decision.action)
            and other.simulated == decision.simulated
            and other.starts_at > self._now
            and rank(other.action, other.value) > rank(decision.action, decision.value)
        )


def _repeats(standing: Standing, decision: Decision) -> bool:
    """Whether the verdict that a decision rests on is still there."""
    same = standing.campaign_id == decision.campaign_id and standing.verdict == decision.verdict
    return same and (found_as(standing) != "possible" or not touches(decision.action))
