"""What the visitor sees: banner, placeholders, own pages (pages/), words (languages/*.yaml).

Enters at `render.Renderer`, one per policy. May import filter, consent, policy and config types.
"""
