"""Grammars as browsers read them: HTML tokens and attributes, URLs, CSS, calls in scripts."""
