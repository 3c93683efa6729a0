"""What the visitor sees: words, look, banner, panel, placeholders. render.py puts them together."""
