"""SLOs in every state, a booked month, and the site over a store that holds them."""

from __future__ import annotations

import dataclasses
import math
from datetime import timedelta
from decimal import Decimal

from slo.domain.booking import Booking
from slo.domain.indicator import Events, Latency
from slo.domain.instant import parse_instant
from slo.domain.ledger import Contribution, Correction, Exclusion, Increment
from slo.domain.meter import fingerprint
from slo.domain.selector import Matcher, Selector
from slo.domain.slo import SLO
from slo.domain.span import Span
from slo.domain.standing import BURN_SPANS, Budget, Forecast, Note, SparkPoint, Standing
from slo.domain.window import RollingWindow
from slo.store import booking, corrections, cycles, exclusions, slos, standings
from slo.store.engine import writing
from slo.web.app import create_app
from tests.web.truthful import truthful

NOW = 1_795_206_072  # 2026-11-20 20:21:12 UTC
AT = NOW // 60 * 60
DAY = 86_400
BUCKET = 300
WINDOW = 30 * DAY
FIRST = AT // BUCKET * BUCKET - 31 * DAY


def make_standing(slo_id="fraud-model/availability", **changes):
    """A healthy standing; the numbers that follow from others are computed."""
    service, _, name = slo_id.partition("/")
    objective = changes.pop("objective", Decimal("0.999"))
    total = changes.pop("total", 51_842_221.0)
    left = changes.pop("left", 0.4277)
    allowed = float(1 - objective) * total
    bad = round(allowed * (1 - left)) if left is not None else 0.0
    burn = changes.pop("burn", 0.4)
    standing = Standing(
        slo=slo_id,
        service=service,
        name=name,
        objective=objective,
        indicator="events",
        indicator_text="requests",
        estimated=False,
        slices=False,
        window_kind="rolling",
        window_label="30d",
        window=Span(AT - WINDOW, AT),
        at=AT,
        good=total - bad,
        bad=float(bad),
        total=total,
        sli=None if total == 0 else 1 - bad / total,
        budget=Budget(allowed, float(bad), None if total == 0 else 1 - bad / allowed),
        burn_rates=tuple((span, burn) for span, _ in BURN_SPANS),
        coverage=0.9997,
        state="healthy",
        data="fresh",
        exhausted_at=None,
        forecasts=(Forecast("6h", None), Forecast("3d", None)),
        sparkline=sparkline(left),
        owner="risk-ml",
        runbook=f"https://example.com/runbooks/{service}",
        last_data=AT,
    )
    return dataclasses.replace(standing, **changes)


def sparkline(left, points=30):
    if left is None:
        return ()
    return tuple(
        SparkPoint(
            AT - WINDOW + i * WINDOW // (points - 1),
            1 - (1 - left) * (i / (points - 1)) ** 1.3 + 0.01 * math.sin(i),
        )
        for i in range(points)
    )


def many_standings():
    """The overview's world: every state, and a few services."""
    spent = {"objective": Decimal("0.99"), "left": -0.289, "burn": 6.2, "state": "exhausted"}
    return [
        make_standing(
            "fraud-model/latency",
            **spent,
            indicator_text="requests faster than 200 ms",
            exhausted_at=AT - 3 * 3600,
        ),
        make_standing("fraud-model/availability", exhausted_at=AT + 12 * DAY),
        make_standing(
            "fraud-model/accuracy",
            objective=Decimal("0.95"),
            total=41_186.0,
            left=0.36,
            burn=0.7,
            indicator_text="predictions correct of predictions labelled",
        ),
        make_standing(
            "fraud-model/freshness",
            objective=Decimal("0.995"),
            total=43_200.0,
            left=0.921,
            burn=0.0,
            slices=True,
            indicator="freshness",
            indicator_text="newest data at most 15 min old",
        ),
        make_standing(
            "ranker/accuracy",
            objective=Decimal("0.93"),
            total=140_022.0,
            left=0.041,
            burn=1.3,
            state="restricted",
            exhausted_at=AT + 5 * DAY - 20_000,
            forecasts=(Forecast("6h", None), Forecast("3d", AT + 5 * DAY - 20_000)),
            owner="search-quality",
            indicator_text="predictions correct of predictions labelled",
        ),
        make_standing(
            "ranker/availability",
            objective=Decimal("0.9995"),
            total=44_120_933.0,
            left=0.824,
            burn=0.1,
            owner="search-quality",
        ),
        make_standing(
            "embeddings/freshness",
            objective=Decimal("0.99"),
            total=42_900.0,
            left=0.71,
            data="none",
            burn_rates=tuple((span, None) for span, _ in BURN_SPANS),
            last_data=AT - 26 * 60,
            owner="platform-ml",
            slices=True,
            indicator_text="newest data at most 1 h old",
        ),
        make_standing(
            "embeddings/availability",
            total=9_300_112.0,
            left=0.87,
            burn=0.2,
            owner="platform-ml",
            estimated=True,
            indicator_text="estimated: sum(rate(http_requests[$window]))",
        ),
        make_standing("search/availability", left=0.21, state="caution", owner=""),
        make_standing("search/latency", left=None, total=0.0, state="new", owner="", coverage=None),
        make_standing("gone/availability", left=0.6, paused=True, data="late", owner=""),
    ]


def increments(first=FIRST, last=AT // BUCKET * BUCKET, bucket=BUCKET):
    """A month of traffic by day and night with two bad stretches and four hours without data."""
    found = []
    for end in range(first + bucket, last + bucket, bucket):
        age = last - end
        if 12 * DAY < age <= 12 * DAY + 4 * 3600:
            found.append(Increment(end))
            continue
        total = round(bucket * (15 + 10 * math.sin(end / DAY * 2 * math.pi)))
        share = 0.003 + 0.001 * math.sin(end / 7000)
        if 17 * DAY < age < 17 * DAY + 9 * 3600:
            share = 0.16
        if age < 30 * 3600:
            share = 0.24
        found.append(Increment(end, total - round(total * share), float(total), float(bucket)))
    return found


def latency_standing():
    """The standing that agrees with `increments`."""
    inside = [i for i in increments() if i.end > AT // BUCKET * BUCKET - WINDOW]
    good, total = sum(i.good for i in inside), sum(i.total for i in inside)
    allowed = 0.01 * total
    at = AT // BUCKET * BUCKET
    return make_standing(
        "fraud-model/latency",
        objective=Decimal("0.99"),
        indicator="latency",
        indicator_text="requests faster than 200 ms",
        good=good,
        bad=total - good,
        total=total,
        sli=good / total,
        budget=Budget(allowed, total - good, 1 - (total - good) / allowed),
        burn_rates=tuple(
            (n, r)
            for (n, _), r in zip(BURN_SPANS, (8.1, 8.4, 8.5, 8.5, 8.5, 8.4, 3.4), strict=True)
        ),
        coverage=sum(i.covered for i in inside) / WINDOW,
        window=Span(at - WINDOW, at),
        at=at,
        state="exhausted",
        exhausted_at=at - 3 * 3600,
        notes=(Note("birth-uncounted", "1,204 events of a series first seen today", 1204.0),),
        description="Answers have to be there before the card reader gives up.",
        labels=(("tier", "1"),),
    )


def contributions():
    hour = AT // 3600 * 3600 - 4 * 3600
    sets = [
        (
            '{"instance":"fraud-7c9:8000","model_version":"2026-11-20.3","region":"eu-west"}',
            52_204.0,
        ),
        (
            '{"instance":"fraud-7c9:8000","model_version":"2026-11-20.2","region":"eu-west"}',
            6_666.0,
        ),
        (
            '{"instance":"fraud-1aa:8000","model_version":"2026-11-20.3","region":"us-east"}',
            6_100.0,
        ),
        ("other", 2_100.0),
    ]
    return [Contribution(hour, labels, bad, bad * 11) for labels, bad in sets]


def declare(session, found, at=FIRST, **fields):
    """SLOs and meters in the store for standings, from `at` on; gives the meters by SLO id."""
    wanted = []
    for standing in found:
        slo = SLO(
            standing.service,
            standing.name,
            standing.objective,
            RollingWindow(timedelta(days=30)),
            Events(Selector("requests_total"), bad=Selector("errors_total")),
            "prometheus",
            bucket=BUCKET,
            **fields,
        )
        indicator = slo.indicator
        if standing.indicator == "latency":
            matchers = (Matcher("model", "=", "fraud"),)
            indicator = Latency(
                Selector("inference_seconds", matchers), timedelta(milliseconds=200)
            )
        wanted.append(slos.Declared(slo, indicator, fingerprint(slo)))
    return slos.declare(session, wanted, at)


def put_standings(engine, found, *, cycle=True, errors=0):
    with writing(engine) as session:
        meters = declare(session, found)
        standings.put(session, [(standing, None) for standing in found])
        if cycle:
            number = cycles.start(session, NOW - 13)
            cycles.finish(
                session,
                number,
                NOW - 12,
                slos=len(found),
                booked=len(found),
                samples=36,
                requests=2,
                errors=errors,
            )
    return meters


def book_latency(engine, meter):
    """The ledger of `fraud-model/latency`, with an exclusion and an empty correction."""
    found = increments()
    span = Span(FIRST // BUCKET * BUCKET, found[-1].end)
    with writing(engine) as session:
        booking.book(
            session,
            [Booking(meter.id, span, tuple(found), contributions=tuple(contributions()))],
        )
        late = Correction(
            "fraud-model/latency", AT - DAY, 0.0, 0.0, "mia", "counted twice", "key-1", AT
        )
        corrections.add(session, late)
        away = Span(AT - 40 * DAY, AT - 35 * DAY)
        exclusions.add(
            session, Exclusion(0, "fraud-model/*", away, "maintenance", "mia", "a move", AT)
        )


def put_remetered(engine, slo_id="shop/checkout"):
    """An SLO whose former meter held July to 3 November, and whose new one is booked since
    25 October; each hour of the former had two of a thousand events bad."""
    standing = make_standing(slo_id, at=AT // 3600 * 3600)
    began, left = parse_instant("2026-07-01"), parse_instant("2026-11-03")
    with writing(engine) as session:
        former = declare(session, [standing], began)[slo_id]
        _book_hours(session, former, Span(began, left), 2.0)
        new = declare(session, [standing], left, births="ignore")[slo_id]
        _book_hours(session, new, Span(parse_instant("2026-10-25"), standing.at), 0.0)
        standings.put(session, [(standing, None)])


def _book_hours(session, meter, span, bad):
    ends = range(span.start + 3600, span.end + 1, 3600)
    found = tuple(Increment(end, 1000.0 - bad, 1000.0, 3600.0) for end in ends)
    booking.book(session, [Booking(meter.id, span, found)])


def make_client(engine, **options):
    return truthful(create_app(engine, **{"clock": lambda: NOW, **options})).test_client()
