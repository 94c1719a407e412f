"""Excluding: taking spans out of budgets, once or again and again, and what that changes."""
