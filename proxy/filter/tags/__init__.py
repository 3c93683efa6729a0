"""One start tag: what the rules say of it, and the edit that makes it so."""
