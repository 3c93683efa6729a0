"""Whole applications behind the proxy; what places.py asserts is explained like a test."""

import pytest

pytest.register_assert_rewrite(f"{__name__}.places")
