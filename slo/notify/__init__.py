"""Notifications: the outbox, its dispatcher, and a module for each type of receiver."""
