from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slo.config import ConfigError, load, parse

HERE = "§"
"""Marks, in a text, the place that its fault must name."""


def faults(text, env=None):
    with pytest.raises(ConfigError) as caught:
        parse(text, "slo.yaml", env or {})
    return caught.value.faults


def ensure_fault(text, where, message, env=None):
    """`text` has one fault, at the mark, which says `message`."""
    before, _, after = text.partition(HERE)
    (fault,) = faults(before + after, env)
    assert (fault.line, fault.column) == (
        before.count("\n") + 1,
        len(before) - before.rfind("\n"),
    ), fault
    assert fault.where == where
    assert message in fault.message


SHORT = "SLO: {availability: 99%}\n"
SLO = "services:\n  api:\n    slos:\n      x:\n        objective: 99%\n        "
EVENTS = "events: {bad: b, total: t}\n        "


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("§databse: {}", "databse: unknown key; did you mean `database`? allowed: prometheus, "),
        ("§zzz: {}", "zzz: unknown key; allowed: prometheus, sources"),
        ("database: {§ulr: x}", "ulr: unknown key; did you mean `url`?"),
        ("§database:", "is empty; give it a value, or leave the key out"),
        ("interval: §7s", "must divide 5m"),
        ("interval: §15m", "must divide 5m"),
        ("interval: §60", "'60' is not a duration; write for example"),
        ("interval: §1:30", "'1:30' is not a duration"),
        ("interval: §1500ms", "not a whole number of seconds"),
        ("interval: §no", "must be a duration such as 60s, but YAML takes it for true or false"),
        ("§interval: [60s]", "must be a duration such as 60s, not a list"),
        ("window: §mnth", "did you mean `month`? calendar: week, month, quarter, year"),
        ("window: §30", "'30' is not a duration"),
        ("§window: [30d]", "must be a duration such as 30d, or {calendar: month, zone: UTC}"),
        ("window: {calendar: §fortnight}", "'fortnight' is not known; allowed: week, month"),
        ("window: {calendar: month, zone: §Europe/Berln}", "'Europe/Berln' is not a time zone"),
        ("window: {calendar: month, zone: §../etc/passwd}", "is not a time zone"),
        ("§window: {zone: UTC}", "calendar: is missing"),
        ("max_gap: §week", "'week' is not a duration"),
        ("max_gap: §99999999999999999d", "too long"),
        ("keep: §3d", "must be a mapping of spacings to ages"),
        ("§keep: {5m: 35d, 1d: forever}", "must begin with the interval, as in 1m: 3d"),
        ("§keep: {1m: 3d, 1h: 400d}", "must end with a spacing that is kept forever"),
        ("§keep: {1m: 3d, 7m: 4d, 10m: forever}", "10m must be a multiple of 7m"),
        ("§keep: {1m: 3d, 5m: 2d, 1d: forever}", "ages must grow"),
        ("§keep: {1m: forever, 5m: forever}", "ages must grow"),
        ("§keep: {1m: ever}", "1m: 'ever' is not two durations"),
        ("database: {url: §slo.db}", "is not a database URL"),
        ("database: {url: §postgres://host/slo}", "must begin with postgresql://"),
        ("database: {url: §mysql://host/slo}", "is not a database URL"),
        ("§sources: {}", "is empty; declare at least one server"),
        ("prometheus: {url: §localhost:9090}", "url: is not a URL"),
        ("prometheus: {url: §'http://'}", "url: is not a URL"),
        ("prometheus: {url: §'http://h:99999'}", "url: is not a URL"),
        ("prometheus: {url: §'http://me:secret@h'}", "basic_auth"),
        ("prometheus: {url: §'http://h/x?y=1'}", "under params"),
        ("§prometheus: {timeout: 5s}", "needs url, such as http://localhost:9090"),
        ("prometheus: {url: http://h, §urls: [http://h]}", "cannot stand beside url"),
        ("prometheus: {§urls: []}", "is empty; write at least one address"),
        ("prometheus: {urls: [http://h, §nowhere]}", "urls.1: is not a URL"),
        ("prometheus: {url: http://h, timeout: §0s}", "must be longer than zero"),
        ("prometheus: {url: http://h, timeout: §10}", "'10' is not a duration"),
        ("prometheus: {url: http://h, headers: {X-A: §no}}", "if text is meant, put it in quotes"),
        ('prometheus: {url: http://h, headers: {X-A: §"a\\nb"}}', "one line of ASCII text"),
        ("prometheus: {url: http://h, headers: {§X A: a}}", "is not the name of an HTTP header"),
        ("prometheus: {url: http://h, params: {dedup: §true}}", "put it in quotes"),
        ("prometheus: {url: http://h, §basic_auth: {username: a}}", "password: is missing"),
        ("prometheus: {url: http://h, tls: {§key: a}}", "needs cert"),
        ("prometheus: {url: http://h, tls: {verify: §no}}", "'no' must be true or false"),
        (
            (
                "prometheus: {url: http://h, basic_auth: {username: a, password: b}, "
                "§bearer_token_file: t}"
            ),
            "cannot stand beside basic_auth",
        ),
        ("routes: {page: [§pager]}", "'pager' is not a declared receiver; none is declared"),
        ("routes: {§pages: []}", "did you mean `page`?"),
        (
            "routes: {page: §pager}",
            "must be a list",
        ),
    ],
)
def test_faults_at_the_top(text, message):
    where = text.replace(HERE, "").partition(":")[0]
    for line in (f"{text}\n{SHORT}", f"{SHORT}{text}\n"):
        before, _, _ = line.partition(HERE)
        found = [str(f) for f in faults(line.replace(HERE, ""))]
        place = f"slo.yaml:{before.count(chr(10)) + 1}:{len(before) - before.rfind(chr(10))}"
        assert len(found) == 1, found
        assert found[0].startswith(f"{place}: {where}: ")
        assert message in found[0]


@pytest.mark.parametrize(
    ("rest", "message"),
    [
        (EVENTS + "window: §30", "window: '30' is not a duration"),
        (EVENTS + "owner: §no", "owner: must be text, but YAML takes it for true or false"),
        (EVENTS + "owner: §012", "owner: must be text, but YAML takes it for a number"),
        (EVENTS + "owner: §2026-01-01", "owner: must be text, but YAML takes it for a date"),
        (EVENTS + "§owner: {a: b}", "owner: must be text, not a mapping"),
        (EVENTS + "§owner:", "owner: is empty; give it a value"),
        (EVENTS + "§owner: ''", "owner: is empty; give it text"),
        (EVENTS + "labels: {version: §1.10}", "labels.version: must be text, but YAML takes it"),
        (EVENTS + "labels: {§0day: a}", "labels.0day: is not a label name"),
        (EVENTS + "§labels: [a]", "labels: must be a mapping"),
        (EVENTS + "runbook: §javascript:alert(1)", "runbook: is not a URL"),
        (EVENTS + "births: §never", "births: 'never' is not known; allowed: auto, count, ignore"),
        (EVENTS + "births: §cuont", "births: 'cuont' is not known; did you mean `count`?"),
        (EVENTS + "ignore_labels: [a, §b-c]", "ignore_labels.1: 'b-c' is not a label name"),
        (EVENTS + "was: §other", "was: 'other' is not the id of an SLO"),
        (EVENTS + "was: §api/x", "was: 'api/x' still is an SLO"),
        (EVENTS + "source: §eu", "source: 'eu' is not a declared source; declared: prometheus"),
        (EVENTS + "states: {caution: §0%}", "states.caution: '0%' is not a share of the budget"),
        (EVENTS + "§states: {caution: 5%}", "states: caution must be larger than restricted"),
        (EVENTS + "§pager: []", "pager: unknown key; allowed: objective, "),
        (EVENTS + "§latency: {histogram: a_seconds, threshold: 1s}", "cannot stand beside events"),
        (
            EVENTS + "owner: a\n        §owner: b",
            "owner: duplicate key, first on line 7",
        ),
        ("§events: {total: t}", "events: needs one of good and bad"),
        ("events: {good: g, §bad: b, total: t}", "events.bad: cannot stand beside good"),
        ("§events: {good: g}", "events.total: is missing"),
        ("events: {bad: §t, total: t}", "same as total, so all events would be bad"),
        (
            'events: {bad: §\'t{b="1",a="2"}\', total: \'t{a="2",b="1"}\'}',
            "same as total",
        ),
        ("events: {bad: §'b[5m]', total: t}", "is an expression; a plain selector is needed"),
        ("events: {bad: §'rate(b[5m])', total: t}", "is an expression"),
        ("events: {bad: §b offset 5m, total: t}", "must not have an offset"),
        ("events: {bad: §'b{c=\"1\"', total: t}", "is not PromQL"),
        ("events: {bad: §'{job=\"a\"}', total: t}", "names no metric"),
        ("events: {bad: §5, total: t}", "but YAML takes it for a number"),
        ("events: {bad: §'job:errors:rate5m', total: t}", "looks recorded by a rule"),
        ("events: {bad: b, total: §'job:all:sum', recorded: false}", "looks recorded by a rule"),
        (
            "latency: {histogram: §'job:a_seconds:sum', threshold: 1s, unit: seconds}",
            "looks recorded by a rule",
        ),
        ("events: {bad: b, total: t, recorded: §yes}", "'yes' must be true or false"),
        ("latency: {histogram: §ttft, threshold: 1s}", "write unit: seconds, milliseconds or"),
        ("latency: {histogram: §a_seconds_sum, threshold: 1s, unit: seconds}", "without _sum"),
        ("latency: {histogram: §'a_seconds_bucket{le=\"1\"}', threshold: 1s}", "must not choose"),
        ("latency: {histogram: a_seconds, threshold: §200}", "threshold: '200' is not a duration"),
        ("latency: {histogram: a_seconds, threshold: §0.2}", "threshold: '0.2' is not a duration"),
        (
            "latency: {histogram: a_seconds, threshold: 1s, unit: §second}",
            "did you mean `seconds`?",
        ),
        ("latency: {histogram: a_seconds, threshold: 1s, round: §nearest}", "allowed: down, up"),
        (
            "latency: {histogram: a_seconds, threshold: 1s, §thresold: 1s}",
            "did you mean `threshold`?",
        ),
        ("latency: §a_seconds", "must be a mapping; its keys: histogram, threshold, unit"),
        ("mean: {summary: §tokens, threshold: 1s}", "has no unit in its name"),
        ("mean: {summary: §'a_seconds{quantile=\"0.9\"}', threshold: 1s}", "must not choose"),
        ("§slices: {query: a}", "needs one of at_least and at_most"),
        ("slices: {query: a, at_least: 1, §at_most: 2}", "cannot stand beside at_least"),
        ("slices: {query: §'a[5m]', at_least: 1}", "gives a range of samples"),
        ("slices: {query: §sum(rate(a)), at_least: 1}", "expected type matrix"),
        ("slices: {query: a, at_least: §012}", "'012' is not a plain decimal number"),
        ("slices: {query: a, at_least: §.nan}", "'.nan' is not a plain decimal number"),
        ("freshness: {timestamp: a, max_age: §2}", "'2' is not a duration"),
        ("query: {good: §'increase(a[5m])', total: 'increase(b[$window])'}", "must use $window"),
        ("§query: {total: 'increase(b[$window])'}", "needs one of good and bad"),
    ],
)
def test_faults_of_an_slo(rest, message):
    ensure_fault(SLO + rest + "\n", "api/x", message)


@pytest.mark.parametrize(
    "text",
    [
        "§1",
        "§0%",
        "§100%",
        "§100",
        "§0",
        "§-5%",
        "§no",
        "§012",
        "§1:30",
        "§ninety",
        "§101%",
        "§.nan",
        "§0x10",
    ],
)
def test_objectives_that_promise_nothing_or_leave_no_budget_are_refused(text):
    body = SLO.replace("99%", text) + EVENTS.rstrip() + "\n"
    ensure_fault(body, "api/x", "objective: ")


@pytest.mark.parametrize(
    ("text", "where", "message"),
    [
        ("services:\n  §a b: {SLO: {latency: 1s}}\n", "a b", "is not a name for a service"),
        ("services:\n  §-a: {SLO: {latency: 1s}}\n", "-a", "is not a name for a service"),
        (
            "services:\n  a:\n    slos:\n      §x/y: {objective: 9%, events: {bad: b, total: t}}\n",
            "a/x/y",
            "is not a name for an SLO",
        ),
        ("services:\n  §a: {owner: b}\n", "a", "has no SLO; add slos, or the short form SLO"),
        ("services:\n  §a:\n", "a", "is empty; its keys: owner, "),
        (
            "services:\n  a: {SLO: {latency: 1s}}\n  §a: {}\n",
            "a",
            "duplicate key, first on line 2",
        ),
        (
            "services:\n  a:\n    slos:\n      §x: {events: {bad: b, total: t}}\n",
            "a/x",
            "needs objective, such as 99.9%",
        ),
        (
            "services:\n  a:\n    slos:\n      §x: {objective: 99%}\n",
            "a/x",
            "needs an indicator, one of events, latency, mean, slices, freshness, query",
        ),
        (
            (
                "services:\n  a:\n    SLO: {§latency: 1s}\n    slos:\n"
                "      latency: {objective: 9%, events: {bad: b, total: t}}\n"
            ),
            "a/latency",
            "a/latency is declared already",
        ),
        (
            "SLO: {§latency: 1s}\nservices: {default: {SLO: {latency: 1s}}}\n",
            "default/latency",
            "default/latency is declared already",
        ),
        ("SLO: {latency: §200}\n", "default/latency", "'200' is not a duration"),
        ("SLO: {accuracy: §100%}\n", "default/accuracy", "between 0% and 100%"),
        ("SLO: {§availabilty: 99%}\n", "default/availabilty", "did you mean `availability`?"),
        ("§SLO: {}\nservices: {a: {SLO: {latency: 1s}}}\n", "SLO", "is empty; write availability"),
        (
            "§metrics: {requests: a}\nservices: {a: {SLO: {latency: 1s}}}\n",
            "metrics",
            "belongs to the short form",
        ),
        ("SLO: {accuracy: 9%}\nmetrics: {accuracy: §a_total}\n", "metrics", "is a counter"),
        ("SLO: {latency: 1s}\nmetrics: {latency: §ttft}\n", "metrics", "has no unit"),
        ("SLO: {latency: 1s}\nmetrics: {§accuracy: {good: a}}\n", "metrics", "total: is missing"),
        (
            "sources: {eu: {url: http://a}, us: {url: http://b}}\nSLO: {latency: §1s}\n",
            "default/latency",
            "needs source, one of eu, us",
        ),
        (
            (
                "sources: {eu: {url: http://a}, us: {url: http://b}}\n"
                "services: {a: {source: §eu1, SLO: {latency: 1s}}}\n"
            ),
            "a",
            "source: 'eu1' is not a declared source; did you mean `eu`? declared: eu, us",
        ),
        (
            (
                "prometheus: {url: http://a}\n§sources: {eu: {url: http://b}}\n"
                "services: {a: {source: eu, SLO: {latency: 1s}}}\n"
            ),
            "sources",
            "cannot stand beside prometheus",
        ),
        (
            "receivers: {a: {type: §pager}}\nSLO: {latency: 1s}\n",
            "receivers/a",
            "did you mean `pagerduty`?",
        ),
        ("receivers: {§a: {type: slack}}\nSLO: {latency: 1s}\n", "receivers/a", "needs url"),
        (
            "receivers: {a: {type: slack, url: http://h, §api_key: k}}\nSLO: {latency: 1s}\n",
            "receivers/a",
            "api_key: is no key of slack; allowed: type, url, fallback, timeout, send_resolved",
        ),
        (
            "receivers: {a: {type: email, host: h, from: a@b, §to: []}}\nSLO: {latency: 1s}\n",
            "receivers/a",
            "to: is empty",
        ),
        (
            (
                "receivers: {a: {type: email, host: h, from: a@b, to: [c@d], port: §99999}}\n"
                "SLO: {latency: 1s}\n"
            ),
            "receivers/a",
            "port: '99999' is not a port such as 587",
        ),
        (
            (
                "receivers: {pager: {type: slack, url: http://h}}\nroutes: {page: [§pagr]}\n"
                "SLO: {latency: 1s}\n"
            ),
            "routes",
            "page.0: 'pagr' is not a declared receiver; did you mean `pager`? declared: pager",
        ),
        (f"§owner: a\n{SHORT}", "owner", "unknown key; allowed"),
        ("§{}\n", "", "no SLO is declared"),
        ("§- a\n", "", "must be a mapping; its keys: prometheus"),
        ("§just text\n", "", "must be a mapping"),
        (
            "SLO: {latency: §!!python/object:os.system x}\n",
            "default/latency",
            "has no meaning here",
        ),
    ],
)
def test_faults_between_the_parts(text, where, message):
    ensure_fault(text, where, message)


@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        ("SLO: [1\nb: 2", "slo.yaml:2:2", "is not YAML: while parsing a flow sequence"),
        ("SLO: a: b", "slo.yaml:1:7", "mapping values are not allowed"),
        ("SLO: *a", "slo.yaml:1:6", "undefined alias"),
        ("SLO: {}\n---\nSLO: {}", "slo.yaml:2:1", "another document"),
        ("SLO:\n  latency: \x01", "slo.yaml:2:12", "holds a character that YAML does not allow"),
        ("", "slo.yaml: ", "is empty; write services, or SLO"),
        ("# nothing\n", "slo.yaml: ", "is empty; write services, or SLO"),
        ("SLO: {latency: 1s, ? [a] : b}", "slo.yaml:1:22", "a key must be text"),
        ("SLO: {latency: ${A}}", "slo.yaml:1:17", "a value with ${...} needs quotes"),
        ("<<: 3\nSLO: {latency: 1s}\n", "slo.yaml:1:5", "`<<` takes a mapping"),
    ],
)
def test_text_that_is_no_yaml(text, place, message):
    found = [str(fault) for fault in faults(text)]
    assert found[0].startswith(place)
    assert message in found[0]


def test_a_mapping_that_holds_itself_is_refused():
    found = faults("services: &s\n  a:\n    slos: *s\n")
    assert any("slos: unknown key" in fault.message for fault in found)


def test_a_file_nested_without_end_is_refused():
    (fault,) = faults("a: " + "[" * 2000 + "]" * 2000)
    assert fault.message == "is nested too deeply"


def test_all_faults_come_at_once_sorted_by_line():
    text = """\
prometheus: {url: nowhere, timeout: ten}
databse: {}
services:
  fraud-model:
    slos:
      latency:
        objective: 100%
        latency: {histogram: foo, threshold: 200}
      quality:
        owner: no
        events: {good: 'x[5m]', bad: 'job:a:b', total: "${TOTAL}"}
        window: mnth
routes: {page: [nobody]}
"""
    with pytest.raises(ConfigError) as caught:
        parse(text, "slo.yaml", {})
    lines = str(caught.value).splitlines()
    assert [": ".join(line.split(": ")[:3]) for line in lines] == [
        "slo.yaml:1:19: prometheus: url",
        "slo.yaml:1:37: prometheus: timeout",
        "slo.yaml:2:1: databse: unknown key; did you mean `database`? allowed",
        "slo.yaml:7:20: fraud-model/latency: objective",
        "slo.yaml:8:30: fraud-model/latency: latency.histogram",
        "slo.yaml:8:46: fraud-model/latency: latency.threshold",
        (
            "slo.yaml:9:7: fraud-model/quality: needs objective, such as 99.9%, "
            "here or for the whole service"
        ),
        "slo.yaml:10:16: fraud-model/quality: owner",
        "slo.yaml:11:24: fraud-model/quality: events.good",
        "slo.yaml:11:33: fraud-model/quality: events.bad",
        "slo.yaml:11:38: fraud-model/quality: events.bad",
        "slo.yaml:11:56: fraud-model/quality: events.total",
        "slo.yaml:12:17: fraud-model/quality: window",
        "slo.yaml:13:17: routes: page.0",
    ]


def test_two_slos_cannot_have_the_same_past():
    text = """\
services:
  a:
    objective: 99%
    slos:
      x: {was: old/x, events: {bad: b, total: t}}
      y: {was: §old/x, events: {bad: b, total: t}}
"""
    ensure_fault(text, "a/y", "'old/x' was renamed to a/x already")


def test_a_fault_in_a_merged_mapping_names_the_place_where_it_is_written():
    text = """\
services:
  a:
    slos:
      x: &base {objective: 99%, events: {bad: b, total: t}}
      y: {<<: [*base], owner: §no}
"""
    ensure_fault(text, "a/y", "owner: must be text")


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("§'${HOST}'", "the environment variable HOST is not set"),
        ("§'http://${HOST}:${PORT:-1}'", "give a default as in ${HOST:-value}"),
        ("§'${HOST'", "`${` begins no variable; write ${NAME}"),
        ("§'${1HOST}'", "`${` begins no variable"),
        ("§'${HOST-x}'", "`${` begins no variable"),
        ("§'${A:-${B}}'", "`${` begins no variable"),
    ],
)
def test_a_variable_that_is_not_set_is_one_fault_with_its_place(written, message):
    ensure_fault(f"prometheus: {{url: {written}}}\n{SHORT}", "prometheus", message)


@pytest.mark.parametrize(
    "text",
    [
        "prometheus: {url: '${S}'}",
        "prometheus: {url: 'http://user:${S}@host'}",
        "prometheus: {url: http://h, timeout: '${S}'}",
        "prometheus: {url: http://h, headers: {A: '${S}\u00e9'}}",
        "prometheus: {url: http://h, tls: {verify: '${S}'}}",
        "database: {url: '${S}'}",
        "interval: '${S}'",
        "window: '${S}'",
        "window: {calendar: '${S}'}",
        "window: {calendar: month, zone: '${S}'}",
        "keep: {1m: '${S}'}",
        "receivers: {a: {type: '${S}'}}",
        "receivers: {a: {type: email, host: h, from: f, to: [t], port: '${S}'}}",
        "routes: {page: ['${S}']}",
        "services: {a: {source: '${S}', SLO: {latency: 1s}}}",
        "services: {a: {objective: '${S}', SLO: {latency: 1s}}}",
        "services: {a: {runbook: '${S}', SLO: {latency: 1s}}}",
        "services: {a: {slos: {x: {was: '${S}', objective: 9%, events: {bad: b, total: t}}}}}",
        "services: {a: {slos: {x: {objective: 9%, events: {bad: '${S}', total: t}}}}}",
        "services: {a: {slos: {x: {objective: 9%, slices: {query: '${S}', at_most: 1}}}}}",
        "services: {a: {slos: {x: {objective: 9%, slices: {query: a, at_most: '${S}'}}}}}",
        "services: {a: {slos: {x: {objective: 9%, query: {bad: '${S}', total: t}}}}}",
        "services: {a: {births: '${S}', SLO: {latency: 1s}}}",
        "metrics: {latency: '${S}'}",
        "metrics: {accuracy: '${S}'}",
    ],
)
def test_faults_never_repeat_what_a_variable_holds(text):
    found = faults(f"{text}\n{SHORT}", {"S": "hunter2 {[(hunter2"})
    assert found
    assert not any("hunter2" in str(fault) for fault in found)


def test_a_bad_url_in_the_environment_is_a_fault():
    (fault,) = faults(SHORT, {"PROMETHEUS_URL": "hunter2"})
    assert (fault.where, fault.message) == (
        "prometheus",
        "url: '${PROMETHEUS_URL}' does not give a URL such as http://localhost:9090",
    )


def test_a_file_that_is_not_there_names_the_option_that_helps(tmp_path):
    with pytest.raises(ConfigError, match=r"none\.yaml: cannot be read: .*--config") as caught:
        load(tmp_path / "none.yaml", {})
    assert caught.value.faults[0].line == 0


def test_bytes_that_are_no_text_name_their_place(tmp_path):
    path = tmp_path / "slo.yaml"
    path.write_bytes(b"SLO:\n  a: \xff\n")
    with pytest.raises(ConfigError) as caught:
        load(path, {})
    assert str(caught.value) == f"{path}:2:6: is not UTF-8 text"


def outcome(text):
    """The faults of `text`, none where it loads; anything else that is raised is a failure."""
    try:
        parse(text, "slo.yaml", {})
    except ConfigError as error:
        return error.faults
    return ()


@given(st.text(max_size=60))
def test_no_text_makes_the_loader_fail_in_another_way(text):
    assert all(fault.message for fault in outcome(text))


words = st.sampled_from(["x", "no", "1", "30d", "99%", "${A}", "$window", "a_total", "a{", "month"])
KEYS = (
    "services SLO slos a objective window events latency total bad good source sources metrics "
    "prometheus url urls tls keep 1m receivers type routes page labels states was accuracy query "
    "slices calendar zone interval ignore_labels headers alerts no_data page-1h budget floor dead "
    "factor long short severity fallback secret quiet_hours from to outbound allow service"
)
keys = st.sampled_from(KEYS.split())
trees = st.recursive(
    st.one_of(st.none(), words),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(keys, inner, max_size=4)),
    max_leaves=25,
)


def as_yaml(tree):
    """Flow YAML with unquoted scalars, so that YAML's own readings of them take part."""
    if isinstance(tree, dict):
        return "{" + ", ".join(f"{k}: {as_yaml(v)}" for k, v in tree.items()) + "}"
    if isinstance(tree, list):
        return "[" + ", ".join(as_yaml(v) for v in tree) + "]"
    return "~" if tree is None else f"'{tree}'" if set(tree) & set("{%$") else tree


@given(st.dictionaries(keys, trees, max_size=5))
def test_no_shape_makes_the_loader_fail_in_another_way(tree):
    assert all(fault.line for fault in outcome(as_yaml(tree)))
