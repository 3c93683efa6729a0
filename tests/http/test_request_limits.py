"""What a visitor may send is bounded, and each bound leaves room for what browsers send."""

from proxy.http.request_limits import LONGEST_DESTINATION, LONGEST_HOST, RequestLimits


def test_the_longest_name_with_a_port_is_no_longer_than_the_longest_host():
    label = "a" * 63
    name = ".".join([label, label, label, "a" * 61])

    assert len(name) == 253
    assert len(f"{name}.:65535") <= LONGEST_HOST


def test_every_destination_of_a_browser_is_read_whole():
    longest = max(
        ["audioworklet", "fencedframe", "serviceworker", "sharedworker", "speculationrules"], key=len
    )

    assert len(longest) <= LONGEST_DESTINATION


def test_a_head_has_room_for_its_longest_line_and_its_longest_field():
    limits = RequestLimits()

    assert limits.line + limits.field <= limits.head_size
