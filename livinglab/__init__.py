"""Livinglab: one record, one address, one public story."""
