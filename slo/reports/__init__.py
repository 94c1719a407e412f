"""Reports of a period: read from the store, and given as page, text, Markdown, CSV and JSON."""
