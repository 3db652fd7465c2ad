"""Ideas, versions, comments, credits, search."""
