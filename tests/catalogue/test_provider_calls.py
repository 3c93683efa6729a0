"""Functions of the catalogue's snippets are known by their provider, and each name is one's alone."""

from proxy.catalogue.provider_calls import CALLS, SHORT, provider_calls
from proxy.catalogue.shipped import providers


def test_a_function_of_a_published_snippet_is_its_providers():
    calls = provider_calls()

    assert (calls["fbq"], calls["Calendly"], calls["Intercom"]) == ("meta-pixel", "calendly", "intercom")
    assert "jQuery" not in calls


def test_every_line_is_a_name_and_the_id_of_a_block_that_ships():
    lines = CALLS.read_text("utf-8").splitlines()
    calls = provider_calls()

    assert len(lines) == len(calls) > 50
    assert set(calls.values()) <= providers().keys()
    assert all(len(name) >= SHORT or f"{name}\t{id_}" in lines for name, id_ in calls.items())
    assert "" not in calls


def test_the_list_is_read_once():
    assert provider_calls() is provider_calls()
