"""Reads of the pipeline, shaped for pages."""
