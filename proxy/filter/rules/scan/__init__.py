"""Patterns the scanner skips by: tags and addresses that no rule of a set can touch."""
