"""The page of an SLO."""
