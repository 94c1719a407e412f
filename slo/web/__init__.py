"""The site: pages, JSON API, health and metrics. It reads the store and computes no SLO."""
