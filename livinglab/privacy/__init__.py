"""Privacy: erasing an account, joining two of one person, and forgetting what is no longer needed."""
