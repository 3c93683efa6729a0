"""The catalogue that ships."""
