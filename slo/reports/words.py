"""A report in words: sentences, and numbers as texts, the same in every format."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from slo.domain.span import utc
from slo.incidents.report import length
from slo.web import format as fmt

if TYPE_CHECKING:
    from collections.abc import Sequence

    from slo.domain.period import Period
    from slo.domain.report import Count, Learned, ObjectiveChange, Report, SloLine
    from slo.domain.tally import IncidentTally, Lengths
    from slo.domain.verdict import Verdict

_SMALL = 0.001


def day(at: float, zone: str = "UTC") -> str:
    """`2026-10-01`, in a time zone."""
    return utc(at).astimezone(ZoneInfo(zone)).strftime("%Y-%m-%d")


def moment(at: float) -> str:
    """`2026-10-01 06:00`, in UTC."""
    return utc(at).strftime("%Y-%m-%d %H:%M")


def dates(period: Period) -> str:
    """The first and the last day of a period, and its zone."""
    last = day((utc(period.span.end) - timedelta(seconds=1)).timestamp(), period.zone)
    return f"{day(period.span.start, period.zone)} to {last} ({period.zone})"


def share(line: SloLine) -> str:
    """What was spent of the budget; `projected` of a period that runs."""
    return spent(line.verdict)


def spent(verdict: Verdict) -> str:
    """The share of the error budget that was spent."""
    return fmt.percent(verdict.spent)


def objective(verdict: Verdict) -> str:
    """The objective in force at the period's end."""
    return fmt.DASH if verdict.objective is None else fmt.objective(verdict.objective)


def sli(verdict: Verdict) -> str:
    """The SLI, with as many decimals as tell it from the objective."""
    return fmt.DASH if verdict.objective is None else fmt.sli(verdict.sli, verdict.objective)


def points(change: float | None) -> str:
    """A difference of two shares in percentage points, with three digits that mean something."""
    if change is None:
        return fmt.DASH
    value = change * 100
    if abs(value) < _SMALL:
        text = f"{value:+.6f}".rstrip("0").rstrip(".")
        text = "0" if text in {"+0", "-0"} else text
    else:
        text = f"{value:+.3g}"
    return text.replace("-", fmt.MINUS)


def then(report: Report, text: str) -> str:
    """What was in the period before: `3 in September 2026`; in words where nothing is known."""
    title = report.period.before.title
    return f"{text} in {title}" if report.comparable else f"no ledger in {title}"


def compared(line: SloLine) -> str:
    """How many more or fewer incidents an SLO had than before; empty for as many."""
    if line.before.booked is None:
        return ""
    return _difference(line.incidents.number - line.incidents_before, "before")


def _difference(number: int, then: str) -> str:
    """`2 more than in May 2026`, `1 fewer than before`; empty for as many."""
    return f"{abs(number):,} {'more' if number > 0 else 'fewer'} than {then}" if number else ""


def mean(lengths: Lengths | None) -> str:
    """The mean alone."""
    return fmt.DASH if lengths is None else length(round(lengths.mean))


def worst(lengths: Lengths | None) -> str:
    """The longest alone."""
    return fmt.DASH if lengths is None else length(lengths.worst)


def severities(tally: IncidentTally) -> str:
    """`2 pages, 1 ticket`."""
    told = [(tally.pages, "page"), (tally.tickets, "ticket")]
    return ", ".join(fmt.many(number, word) for number, word in told if number) or "none"


def of_all(count: Count) -> str:
    """`41 of 43`; `none` where there was nothing to judge."""
    return f"{count.met:,} of {count.judged:,}" if count.judged else "none"


def kept(*, running: bool) -> str:
    """What is said of objectives that hold: those of a period that runs are not met yet."""
    return "within budget" if running else "met"


def changed(change: ObjectiveChange) -> str:
    """`99.9 % to 99.5 % on 2026-10-12 09:30`."""
    before, after = fmt.objective(change.before), fmt.objective(change.after)
    return f"{before} to {after} on {moment(change.at)}"


def headline(report: Report) -> list[str]:
    """What a reader is to know first, in a few sentences."""
    told = [_kept(report)]
    if not report.services:
        return told
    if report.under:
        told.append(_under(report))
    if report.missed:
        told.append(_missed(report))
    told.append(_incidents(report))
    if learned := _learned(report.learned):
        told.append(learned)
    return told


def _kept(report: Report) -> str:
    count, title = report.count, report.period.title
    if not report.services:
        named = " and ".join(filter(None, (report.service, report.owner)))
        return f"No ledger{f' of {named}' if named else ''} reaches {title}: nothing was booked."
    if not count.judged:
        return f"No SLO had events to judge in {title}."
    before = report.count_before
    then = f"; in {report.period.before.title} {of_all(before)} did" if before.judged else ""
    without = f" {fmt.many(count.without, 'SLO')} could not be judged." if count.without else ""
    if report.running:
        who = f"all {fmt.many(count.met, 'SLO')}" if not count.missed else f"{of_all(count)} SLOs"
        verb = "is" if count.judged == 1 else "are"
        who = "the one SLO" if count.judged == count.met == 1 else who
        return (
            f"So far in {title}, {who} {verb} within the error budget of the whole period.{without}"
        )
    if not count.missed:
        who = "The one SLO" if count.met == 1 else f"All {count.met:,} SLOs"
        return (
            f"{who} met {'its' if count.met == 1 else 'their'} objective in {title}{then}.{without}"
        )
    return f"{of_all(count)} SLOs met their objective in {title}{then}.{without}"


def _under(report: Report) -> str:
    """Who is within budget only because the period is not over."""
    number = len(report.under)
    return (
        f"{_named(report.under)} {'is' if number == 1 else 'are'} under"
        f" {'its objective' if number == 1 else 'their objectives'} so far: within budget only if"
        " the rest of the period brings as many events as expected, and few bad ones."
    )


def _missed(report: Report) -> str:
    first, *rest = report.missed
    most = f"{first.slo} spent {share(first)} of its error budget"
    if not rest:
        return f"{most}."
    return f"{most}; also over: {_named(rest)}."


def _named(lines: Sequence[SloLine]) -> str:
    """The first two by name, and how many more: `a/b, a/c and 3 more`."""
    names = ", ".join(line.slo for line in lines[:2])
    more = f" and {len(lines) - 2:,} more" if len(lines) > 2 else ""  # noqa: PLR2004 -- two are named.
    return names + more


def _incidents(report: Report) -> str:
    now, before = report.tally, report.tally_before
    then = report.period.before.title
    if not now.number:
        past = f"; in {then} there were {before.number:,}" if before.number > 1 else ""
        past = f"; in {then} there was one" if before.number == 1 else past
        on = f", and {length(now.seconds)} in earlier ones" if now.seconds else ""
        return f"No incidents{on}{past}."
    told = f"{fmt.many(now.number, 'incident')} ({severities(now)})"
    if report.comparable:
        other = _difference(now.number - before.number, f"in {then}")
        told += f", {other or f'as many as in {then}'}"
    detect = (
        f" They were detected within {length(round(now.detect.mean))} on average"
        if now.detect
        else ""
    )
    resolve = f" and resolved within {length(round(now.resolve.mean))}" if now.resolve else ""
    return f"{told}; {length(now.seconds)} in incidents.{detect}{resolve}{'.' if detect else ''}"


def _learned(learned: Learned) -> str:
    parts = []
    if learned.required:
        parts.append(
            f"{learned.required_published:,} of {learned.required:,} required postmortems"
            f" {'is' if learned.required_published == 1 else 'are'} published"
        )
    if learned.open_items:
        overdue = f", {learned.overdue:,} overdue" if learned.overdue else ""
        verb = "is" if len(learned.open_items) == 1 else "are"
        parts.append(f"{fmt.many(len(learned.open_items), 'action item')} {verb} open{overdue}")
    return f"{'; '.join(parts)}." if parts else ""
