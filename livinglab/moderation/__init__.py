"""Checks, reports, decisions with reasons, appeals."""
