"""The pages: each folder holds one page's routes and what it shows, as texts."""
