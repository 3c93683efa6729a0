"""Proof from outside: visits a site as people do, and compares what a browser stores with the rules.

`plan` says what is visited, `visits` does it in Chromium (`browser`, `recorder`, `deciding`), `judging` asks
the product's own judges, `findings` are what they object to; `document` and `report` say it as JSON and HTML.
Needs the optional extra `[audit]` (Playwright), imported only when a visit begins.
"""
