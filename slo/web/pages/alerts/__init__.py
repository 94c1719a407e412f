"""The pages of alerts and of silences."""
