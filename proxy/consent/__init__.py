"""What the visitor said: the answer, the cookie that carries it, and what holds because of it."""
