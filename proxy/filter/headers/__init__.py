"""Header fields: Set-Cookie, Cookie, Link, validators, the Content-Security-Policy fence."""
