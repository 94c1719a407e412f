from __future__ import annotations

from slo.config.loader import load
from slo.demo.folder import DemoFolder


def test_the_demos_slo_yaml_is_accepted_without_a_fault(tmp_path):
    with DemoFolder(tmp_path / "a folder, 100%") as folder:
        folder.write_config("http://127.0.0.1:9090")
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
