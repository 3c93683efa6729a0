"""What is said of verdicts: whose, by which line, how often; never words of a page as a label."""

import json

from proxy.filter.cache import Cache
from proxy.filter.verdict import Does, Verdict
from proxy.problems import Place
from proxy.telemetry import verdict_summary as module
from proxy.telemetry.verdict_summary import summary_of, summary_of_tags

PLACE = Place("rules.yaml", 7)
HOLD = Verdict(Does.HOLD, PLACE, "google")
STRANGE = Verdict(Does.HOLD, note="evil.example")
DROP = Verdict(Does.DROP, PLACE, "google")


def test_equal_verdicts_are_said_once_with_their_number():
    said = summary_of_tags((HOLD, STRANGE, HOLD, Verdict(Does.HOLD, PLACE, "google")))

    assert json.loads(f"{{{said.words}}}") == {"tag hold google rules.yaml:7": 3, "tag hold evil.example": 1}
    assert dict(said.counts) == {("google", "tag", "hold"): 3, ("undeclared", "tag", "hold"): 1}


def test_what_was_judged_on_a_head_is_said_by_kind():
    said = summary_of([("cookie", DROP), ("cookie", DROP), ("header", Verdict(Does.DROP, note="link"))])

    assert json.loads(f"{{{said.words}}}") == {"cookie drop google rules.yaml:7": 2, "header drop link": 1}
    assert dict(said.counts) == {("google", "cookie", "drop"): 2, ("undeclared", "header", "drop"): 1}


def test_what_was_said_is_remembered_for_those_very_verdicts_and_no_others():
    for _ in range(2):
        for kind in ("cookie", "header"):
            for number in range(200):
                verdict = Verdict(
                    Does.DROP, Place("rules.yaml", number), "google"
                )  # may get the id of the last
                (words,) = json.loads(f"{{{summary_of([(kind, verdict)]).words}}}")
                assert words == f"{kind} drop google rules.yaml:{number}"
                for tags in ((verdict,), [verdict]):
                    (words,) = json.loads(f"{{{summary_of_tags(tags).words}}}")
                    assert words == f"tag drop google rules.yaml:{number}"


def test_what_is_remembered_is_bounded(monkeypatch):
    monkeypatch.setattr(module, "_summaries", Cache(10))
    for number in range(50):
        summary_of_tags((Verdict(Does.HOLD, note=str(number)),))

    assert len(module._summaries) <= 10


def test_pages_that_are_alike_are_summed_once_and_a_page_that_goes_on_anew():
    tags = [HOLD, STRANGE]
    first = summary_of_tags(tags)

    assert summary_of_tags([HOLD, STRANGE]) is first
    tags.append(HOLD)
    assert dict(summary_of_tags(tags).counts) == {
        ("google", "tag", "hold"): 2,
        ("undeclared", "tag", "hold"): 1,
    }
    assert summary_of_tags([HOLD] * (module.MAX_CACHED_VERDICTS + 1)).counts == (
        (("google", "tag", "hold"), module.MAX_CACHED_VERDICTS + 1),
    )
