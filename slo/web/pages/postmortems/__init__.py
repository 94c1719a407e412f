"""The pages of postmortems and action items."""
