"""Rules and config compiled for requests: a `Snapshot` is built whole, and replaced whole by a reload.

`sites` compiles each site once, with the share of visitors for whom it is enforced; `consent_lookup` reads
consent cookies; `site_upstreams`, `rate_limit` and other `shared_resources` outlive a reload. May import
records, banner, http and below.
"""
