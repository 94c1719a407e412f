"""Receivers: for each type, what is sent, as a value that needs no network to be made."""
