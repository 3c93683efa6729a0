"""The observing script: one file under the digest of its bytes, one tag in the head, and nothing else."""

from proxy.banner.observer import Observer, observer_script
from proxy.filter.rules.judge import TagFacts
from proxy.filter.tags.injection import PageMetadata
from proxy.filter.verdict import KEEP


def test_the_file_is_named_by_its_bytes_so_that_it_may_be_kept_for_ever():
    one, again, other = (observer_script(path) for path in ("/.consent/", "/.consent/", "/privacy/"))

    assert one == again
    assert one.name != other.name
    assert one.name.startswith("observe.")
    assert one.name.endswith(".js")
    assert len(one.name) == len("observe..js") + 16


def test_it_reports_to_the_sites_own_address_from_wherever_it_was_loaded():
    body = observer_script('/.con"sent/').body

    assert b'new URL("/.con\\"sent/reports",location).href' in body
    assert b"REPORTS" not in body


def test_its_tag_names_the_file_and_what_needs_no_report():
    head = Observer("/.consent/observe.0.js", 'abc "def').head(PageMetadata())

    assert head == (
        b'<script data-cfasync="false" src="/.consent/observe.0.js" data-known="abc &quot;def"></script>'
    )


def test_nothing_else_of_the_page_is_touched():
    observer, page = Observer("/x.js", ""), PageMetadata()

    assert observer.body(page) == observer.foot(page) == observer.root() == b""
    assert observer.placeholder(KEEP, TagFacts("iframe")) == b""
    assert (observer.always, observer.amp) == (True, True)
