"""Reads of moderation: the queue, a case, decisions, appeals, figures."""
