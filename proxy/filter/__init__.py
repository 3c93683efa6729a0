"""What happens to bytes: pages, tags, cookies and headers, judged by the policy. Pure.

Top to bottom: `inline_tests` (rules.yaml's own), `body` (codings, charsets, documents), `html` (the scanner),
`tags` (one start tag), `headers`, `rules` (who may speak of what), `syntax` (grammars browsers read by).
"""
