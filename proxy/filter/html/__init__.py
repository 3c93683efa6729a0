"""The streaming filter: HTML and XML in chunks, judged tag by tag, in any cut.

Enters at `scanner.HtmlFilter.feed`, leaves as its return value. `fast_text` is the fast path
of raw text, `text_consumers` the careful one. May import tags and below.
"""
