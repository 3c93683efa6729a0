from tests.records.conftest import postgres, store, url

__all__ = ["postgres", "store", "url"]
