"""The streaming filter: HTML and XML in chunks, judged tag by tag, in any cut.

Enters at `scanner.HtmlFilter.feed`, leaves as its return value. `scanner` finds tags and skips
raw text that is fine, `stream` applies what was judged, `text_consumers` read raw text carefully.
May import tags and below.
"""
