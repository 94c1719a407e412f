"""The JSON API: its routes, their models, and the document that tells them."""
