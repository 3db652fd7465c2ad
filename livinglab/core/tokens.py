"""Tokens in cookies and one-time links: 32 random bytes; the database keeps only their hash."""

import hashlib
import secrets


def new_token() -> str:
    """Return 32 random bytes as text for a cookie or a link."""
    return secrets.token_urlsafe(32)


def token_hash(token: str) -> str:
    """Return what the database keeps of a token."""
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()
