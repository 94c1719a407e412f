"""The overview: what needs attention, then every SLO."""
