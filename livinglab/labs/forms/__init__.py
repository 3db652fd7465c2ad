"""Forms of the labs room."""
