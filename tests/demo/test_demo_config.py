from __future__ import annotations

from slo.config.loader import load
from slo.demo.folder import DemoFolder


def test_the_demos_slo_yaml_is_accepted_without_a_fault(tmp_path):
    with DemoFolder(tmp_path / "a folder, 100%") as folder:
        folder.write_config(
            prometheus="http://127.0.0.1:9090",
            site="http://127.0.0.1:8000",
            sink="http://127.0.0.1:8002",
            secret="a-secret-of-the-demo",
        )
        settings = load(folder.config, {})
    kinds = {slo.name: slo.indicator.kind for slo in settings.slos}
    assert kinds == {
        "availability": "events",
        "latency": "latency",
        "accuracy": "events",
        "accuracy-floor": "slices",
        "prediction-time": "mean",
        "freshness": "freshness",
    }
    assert {slo.bucket for slo in settings.slos} == {15}
    assert settings.database_url == f"sqlite:///{folder.database}"
    (receiver,) = settings.receivers
    assert receiver.text("url") == "http://127.0.0.1:8002"
    assert receiver.text("secret") == "a-secret-of-the-demo"
    assert settings.outbound.ports == (8002,)
    assert settings.warnings == ()
    for slo in settings.slos:
        rules = {rule.name for rule in slo.alert_policy.rules}
        assert {"page-5m", "dead"} <= rules, slo.id
        assert not any(rule.startswith(("page-1h", "page-6h", "ticket")) for rule in rules)
