"""The bytes of a response's body: content codings, charsets, and which filter reads them."""
