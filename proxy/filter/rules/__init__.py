"""Rules compiled for look-ups: which of them may speak of a tag, an address or a request."""
