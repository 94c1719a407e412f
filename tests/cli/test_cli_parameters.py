from __future__ import annotations

import click
import pytest

from slo.cli.parameters import DAY, INSTANT, choose, choose_one, unknown_slo

IDS = ["fraud-model/availability", "fraud-model/latency", "shop/latency"]


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2026-11-20T20:00:00Z", 1795204800),
        ("2026-11-20t20:00:00z", 1795204800),
        ("2026-11-20T21:00:00.9+01:00", 1795204800),
        ("2026-11-20", 1795132800),
        ("1795204800", 1795204800),
        (" 1795204800.75 ", 1795204800),
        ("0", 0),
    ],
)
def test_instants_are_rfc_3339_or_epoch_seconds(text, instant):
    assert INSTANT.convert(text, None, None) == instant


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("yesterday", "is not a time; write for example 2026-11-20T20:00:00Z"),
        ("", "is not a time"),
        ("-5", "is not a time"),
        ("nan", "is not a time"),
        ("1e9", "is not a time"),
        ("2026-02-30", "is not a time"),
        ("2026-11-20T20:00:00", "has no time zone; write 2026-11-20T20:00:00Z for UTC"),
        ("1795204800000", "is in milliseconds"),
        ("1969-12-31T00:00:00Z", "lies before 1970"),
        ("٣", "is not a time"),
    ],
)
def test_other_times_are_refused_with_what_is_right(text, why):
    with pytest.raises(click.BadParameter) as caught:
        INSTANT.convert(text, None, None)
    assert why in caught.value.message


def test_a_day_is_its_first_instant_in_utc():
    assert DAY.convert("2026-11-20", None, None) == 1795132800
    with pytest.raises(click.BadParameter, match="is not a day"):
        DAY.convert("20.11.2026", None, None)


def test_slos_are_chosen_by_id_or_by_service():
    assert choose(IDS, []) == IDS
    assert choose(IDS, ["shop/latency", "fraud-model"]) == [IDS[2], IDS[0], IDS[1]]
    assert choose(IDS, ["shop", "shop/latency"]) == ["shop/latency"]


def test_an_unknown_slo_is_told_the_nearest():
    with pytest.raises(click.UsageError, match="did you mean fraud-model/latency"):
        choose_one(IDS, "fraudmodel/latency")
    assert "did you mean fraud-model/latency or shop/latency?" in unknown_slo("latency", IDS)
    assert "there are fraud-model/availability, " in unknown_slo("日本", IDS)
    assert "none is declared" in unknown_slo("a/b", [])
    assert unknown_slo("zzz", [f"a/{n}" for n in range(12)]).endswith("a/9 and 2 more")
