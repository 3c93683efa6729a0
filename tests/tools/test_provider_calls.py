"""The list of providers' functions is what the catalogue's blocks say."""

from proxy.catalogue.provider_calls import CALLS, provider_calls
from tools.provider_calls import listed


def test_the_shipped_list_is_current():
    assert CALLS.read_text("utf-8") == listed(), "python -m tools.provider_calls"
    assert provider_calls()["fbq"] == "meta-pixel"
