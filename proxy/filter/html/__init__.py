"""The streaming scanner: HTML and XML as tags and text, however the network cuts them."""
