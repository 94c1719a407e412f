"""SLO Ledger: exact SLOs and error budgets for services on Prometheus."""

__version__ = "0.1.0"
