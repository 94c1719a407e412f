"""Postmortems in the store, by their incident's id. Every save is a version; none is lost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import func, insert, select, update

from slo.domain.incident import AUTO
from slo.domain.postmortem import (
    BIGGEST_ID,
    Conflict,
    Postmortem,
    PostmortemError,
    Summary,
    UnknownPostmortemError,
    Version,
    ensure_person,
    ensure_step,
    ensure_text,
    plain_lines,
)
from slo.store import action_items, audit, dialect, schema, timeline

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from sqlalchemy import Select
    from sqlalchemy.orm import Session

    from slo.domain.postmortem import Status

_p, _v = schema.postmortem, schema.postmortem_version
_i, _a = schema.incident, schema.action_item
LEFT = ("open", "in progress")
"""States of action items that are still to be done."""


def one(session: Session, incident: int) -> Postmortem | None:
    """The postmortem of an incident, None if there is none."""
    if not 0 < incident < BIGGEST_ID:  # SQLite has no larger numbers.
        return None
    query = _summaries(_p.c.body, _p.c.chart).where(_p.c.incident_id == incident)
    row = session.execute(query).first()
    return None if row is None else Postmortem(Summary(*row[2:]), row[0], row[1])


def listed(
    session: Session,
    status: Status | None = None,
    limit: int = 500,
    before: int | None = None,
    *,
    service: str | None = None,
    required: bool | None = None,
    overdue_on: str | None = None,
) -> list[Summary]:
    """Postmortems without their texts, the newest incident first.

    `before` (an incident's id) continues a former answer. `overdue_on`, a day as
    `YYYY-MM-DD`, narrows to those with an action item that was due before it.
    """
    query = _summaries().order_by(_p.c.incident_id.desc()).limit(limit)
    equal = ((_p.c.status, status), (_i.c.service, service), (_p.c.required, required))
    query = query.where(*(column == value for column, value in equal if value is not None))
    if before is not None:
        query = query.where(_p.c.incident_id < before)
    if overdue_on is not None:
        left = select(_a.c.postmortem_id).where(_a.c.state.in_(LEFT), _a.c.due < overdue_on)
        query = query.where(_p.c.id.in_(left))
    return [Summary(*row) for row in session.execute(query)]


def numbers(session: Session) -> dict[tuple[Status, bool], int]:
    """How many postmortems there are, by status and whether they are required."""
    query = select(_p.c.status, _p.c.required, func.count()).group_by(_p.c.status, _p.c.required)
    return {(status, required): number for status, required, number in session.execute(query)}


def of_incidents(session: Session, incidents: Collection[int]) -> dict[int, Summary]:
    """The postmortems of these incidents that have one, by incident, without their texts."""
    query = _summaries().where(dialect.among(session, _p.c.incident_id, incidents))
    return {row[0]: Summary(*row) for row in session.execute(query)}


def ensure_one(session: Session, incident: int) -> Postmortem:
    """The postmortem of an incident; raises `UnknownPostmortemError` if there is none."""
    found = one(session, incident)
    if found is None:
        raise UnknownPostmortemError(
            f"incident {incident} has no postmortem; one is drafted when an incident resolves,"
            " and `slo postmortem list` shows all"
        )
    return found


def create(
    session: Session, incident: int, title: str, body: str, chart: str, why: str, now: int
) -> None:
    """A first draft by the service itself; `why` is in words why it is required, or empty.

    Where another process has drafted it at the same time, that one stays.
    """
    row = {
        "incident_id": incident,
        "status": "draft",
        "required": bool(why),
        "required_why": why,
        "title": title,
        "body": body,
        "chart": chart,
        "version": 1,
        "created_at": now,
        "updated_at": now,
        "updated_by": AUTO,
    }
    statement = dialect.insert(session, _p).values(row)
    statement = statement.on_conflict_do_nothing(index_elements=[_p.c.incident_id])
    number: int | None = session.execute(statement.returning(_p.c.id)).scalar()
    if number is not None:
        _add_version(session, number, Version(1, title, body, now, AUTO))


def redraft(
    session: Session, found: Postmortem, title: str, body: str, chart: str, why: str, now: int
) -> bool:
    """A new version by the service, of a draft that no person has edited; False: one has."""
    incident = found.about.incident
    action_items.hold(session, incident)
    if ensure_one(session, incident).about != found.about:
        return False
    new = Version(found.about.version + 1, title, body, now, AUTO)
    _change(
        session,
        incident,
        title=title,
        body=body,
        chart=chart,
        required=bool(why),
        required_why=why,
        version=new.number,
        updated_at=now,
    )
    _add_version(session, _row_id(session, incident), new)
    return True


def restate(session: Session, incident: int, chart: str, why: str) -> None:
    """New facts beside the text of people: the chart, and whether it is required.

    What was required stays so: the budget was spent.
    """
    values: dict[str, Any] = {"required": True, "required_why": why} if why else {}
    if chart:
        values["chart"] = chart
    if values:
        _change(session, incident, **values)


def save(
    session: Session, incident: int, title: str, body: str, version: int, who: str, now: int
) -> Postmortem:
    r"""Saves a person's text over `version`, and gives the postmortem as it is then.

    Line ends become `\n`, and control characters go. The same text again changes
    nothing. Raises `Conflict` with all texts if `version` is not the newest any more,
    `PostmortemError` for a text that cannot be kept or a postmortem that is published.
    """
    title, body = title.strip(), plain_lines(body)
    ensure_person(who)
    ensure_text(title, body)
    action_items.hold(session, incident)
    found = ensure_one(session, incident)
    if (found.about.title, found.body) == (title, body):
        return found
    if version != found.about.version:
        raise _conflict(session, incident, version, title, body)
    if found.about.status == "published":
        raise PostmortemError(
            f"status: the postmortem of incident {incident} is published; set it back to draft"
            " to change it"
        )
    new = Version(version + 1, title, body, now, who)
    _change(
        session,
        incident,
        title=title,
        body=body,
        version=new.number,
        updated_at=now,
        updated_by=who,
    )
    _add_version(session, _row_id(session, incident), new)
    before = {"title": found.about.title, "version": version}
    since = {"title": title, "version": version + 1}
    detail = {"version": version + 1}
    audit.add(
        session, now, who, "postmortem-save", _subject(incident), detail, old=before, new=since
    )
    return ensure_one(session, incident)


def set_status(
    session: Session, incident: int, to: Status, who: str, now: int, version: int | None = None
) -> Postmortem:
    """Moves it to review, to published, or back to draft; gives it as it is then.

    `version` is the text that was looked at; another one is a `Conflict`. Raises
    `PostmortemError` for a step that is not allowed, with the reason.
    """
    ensure_person(who)
    action_items.hold(session, incident)
    found = ensure_one(session, incident)
    if version is not None and version != found.about.version:
        raise _conflict(session, incident, version, found.about.title, found.body)
    ensure_step(found.about, action_items.of(session, incident), to)
    values: dict[str, Any] = {"status": to}
    if to == "published":
        values |= {"reviewed_by": who, "reviewed_at": now, "published_at": now}
    if to == "draft":
        values |= {"reviewed_by": None, "reviewed_at": None, "published_at": None}
    _change(session, incident, **values)
    detail = {"from": found.about.status, "to": to, "version": found.about.version}
    old, new = {"status": found.about.status}, {"status": to}
    audit.add(session, now, who, "postmortem-status", _subject(incident), detail, old=old, new=new)
    words = f"The postmortem went from {found.about.status} to {to}."
    timeline.add(session, incident, "postmortem", words, at=now, now=now, who=who)
    return ensure_one(session, incident)


def versions(session: Session, incident: int) -> list[Version]:
    """All texts that were ever saved, oldest first."""
    return [Version(*row) for row in session.execute(_versions(incident).order_by(_v.c.version))]


def version_of(session: Session, incident: int, number: int) -> Version | None:
    """One saved text, None if there is none."""
    if not (0 < incident < BIGGEST_ID and 0 < number < BIGGEST_ID):
        return None
    row = session.execute(_versions(incident).where(_v.c.version == number)).first()
    return None if row is None else Version(*row)


def _change(session: Session, incident: int, **values: Any) -> None:
    session.execute(update(_p).where(_p.c.incident_id == incident).values(values))


def _row_id(session: Session, incident: int) -> int:
    query = select(_p.c.id).where(_p.c.incident_id == incident)
    number: int = session.execute(query).scalar_one()
    return number


def _summaries(*more: Any) -> Select[Any]:
    """What `Summary` holds, in the order of its fields, after `more`."""
    items = select(func.count()).select_from(_a).where(_a.c.postmortem_id == _p.c.id)
    left = items.where(_a.c.state.in_(LEFT))
    return select(
        *more,
        _p.c.incident_id,
        _i.c.service,
        _i.c.severity,
        _p.c.title,
        _p.c.status,
        _p.c.required,
        _p.c.required_why,
        _p.c.version,
        _p.c.created_at,
        _p.c.updated_at,
        _p.c.updated_by,
        _p.c.reviewed_by,
        _p.c.reviewed_at,
        _p.c.published_at,
        items.scalar_subquery(),
        left.scalar_subquery(),
    ).join(_i, _i.c.id == _p.c.incident_id)


def _versions(incident: int) -> Select[Any]:
    columns = (_v.c.version, _v.c.title, _v.c.body, _v.c.at, _v.c.who)
    return (
        select(*columns).join(_p, _p.c.id == _v.c.postmortem_id).where(_p.c.incident_id == incident)
    )


def _conflict(session: Session, incident: int, version: int, title: str, body: str) -> Conflict:
    saved: Sequence[Version] = versions(session, incident)
    base = next((v for v in saved if v.number == version), None)
    return Conflict(incident, base, saved[-1], title, body)


def _add_version(session: Session, postmortem: int, version: Version) -> None:
    session.execute(
        insert(_v).values(
            postmortem_id=postmortem,
            version=version.number,
            title=version.title,
            body=version.body,
            at=version.at,
            who=version.who,
        )
    )


def _subject(incident: int) -> str:
    return f"incident/{incident}"
