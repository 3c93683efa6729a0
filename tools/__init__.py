"""What maintainers run: pictures of the architecture."""
