"""What maintainers run: pictures of the architecture, the build of scripts and style sheets."""
