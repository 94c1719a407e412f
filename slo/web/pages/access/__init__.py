"""Logging in, one's own account, users, and the audit."""
