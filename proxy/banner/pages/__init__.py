"""The proxy's own pages: panel, cookie table, receipt, errors, and the pages that embeds are framed in.

`page_shell` is what they share. May import the rest of banner; Renderer (render.py) makes them.
"""
