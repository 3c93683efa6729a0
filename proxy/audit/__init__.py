"""Proof from outside: visits a site as people do, and compares what a browser stores with the rules.

`plan` says what is visited, `visits` does it in Chromium (`browser`, `recorder`, `deciding`), `rule_book`
asks the judges that filter for visitors, `evaluation` collects rows and `findings`; `document` and `report`
say it as JSON and HTML.
Needs the optional extra `[audit]` (Playwright), imported only when a visit begins.
"""
