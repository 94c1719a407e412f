"""Access: users and their passwords, sessions, API tokens, and who has to log in at all."""
