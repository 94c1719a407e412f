"""Models of the API: what its operations take and give. One module a noun."""
