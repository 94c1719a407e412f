"""The only folder that knows the Prometheus client library."""
