"""What holds for every test."""

from hypothesis import settings

# A deadline is a timing assertion, and a busy machine breaks it.
settings.register_profile("calm", deadline=None)
settings.load_profile("calm")
