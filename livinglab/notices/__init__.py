"""Notices, the story, digests: readers of the journal."""
