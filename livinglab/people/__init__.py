"""Accounts, sign-in, roles, privacy."""
