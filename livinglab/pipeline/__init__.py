"""Stages, gates, reviews, the board, my work."""
