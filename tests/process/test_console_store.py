"""What the console shows of the store is what `records stats` counts of it."""

from proxy.process.console_store import consent_rows, purpose_rows

DAY = 20_787  # 2026-11-30
NUMBERS = {
    (DAY, "a.io", "fr", "shown first", ""): 9,
    (DAY, "a.io", "fr", "shown new", ""): 2,
    (DAY, "a.io", "fr", "accept", ""): 3,
    (DAY, "a.io", "fr", "refuse", ""): 2,
    (DAY, "a.io", "fr", "save", ""): 1,
    (DAY, "a.io", "fr", "placeholder", ""): 1,
    (DAY, "a.io", "fr", "withdraw", ""): 1,
    (DAY, "a.io", "fr", "granted", "functional"): 4,
    (DAY, "a.io", "en", "granted", "functional"): 2,
    (DAY, "a.io", "fr", "refused", "functional"): 2,
    (DAY, "a.io", "fr", "withdrawn", "functional"): 1,
    (DAY - 1, "b.io", "", "accept", ""): 5,
}


def test_answers_are_counted_by_day_site_and_language():
    assert consent_rows(NUMBERS) == [
        {"day": "2026-11-29", "site": "b.io", "language": "", "shown": 0, "accepted": 5, "refused": 0, "custom": 0, "withdrawn": 0},
        {"day": "2026-11-30", "site": "a.io", "language": "fr", "shown": 11, "accepted": 3, "refused": 2, "custom": 2, "withdrawn": 1},
    ]  # fmt: skip


def test_purposes_are_counted_by_day_and_site_whatever_was_spoken():
    assert purpose_rows(NUMBERS) == [
        {"day": "2026-11-30", "site": "a.io", "purpose": "functional", "granted": 6, "refused": 2}
    ]
