"""The service while it runs: work on the clock, slo.yaml taken anew, the site.

APScheduler runs one tick job a kind, in memory; what was missed is found from the
ledger, never from the scheduler. So a restart needs nothing but the store.
"""
