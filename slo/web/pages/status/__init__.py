"""What everybody may see: the status page, badges, the feed."""
