"""Floor 5: aiohttp in front, our own client behind; everything that touches a socket or a signal."""
