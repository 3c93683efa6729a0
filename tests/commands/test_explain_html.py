"""The pages of `explain --html`: one for each state, whole, escaped, and loading nothing."""

from proxy.commands.explain_html import LONGEST_LINE, MOST_LINES, Report, ReportRow, as_page, write_reports

HOSTILE = "<script>alert(1)</script>"
ROW = ReportRow("<img src=x>", "hold", "rules.yaml:52", held=True, where="line 3")


def page(**more) -> str:
    return as_page(Report("index.html", "refused", **{"rows": (), **more}))


def test_each_state_is_a_file_beside_that_name(tmp_path):
    reports = [Report("a", state, ()) for state in ("refused", "accepted")]

    written = write_reports(tmp_path / "site.htm", reports)
    bare = write_reports(tmp_path / "bare", reports[:1])

    assert [path.name for path in written + bare] == [
        "site-refused.htm",
        "site-accepted.htm",
        "bare-refused.html",
    ]
    assert [path.read_text() for path in written] == [as_page(report) for report in reports]


def test_nothing_runs_or_loads_whatever_was_read():
    made = page(
        rows=[ReportRow(HOSTILE, HOSTILE, HOSTILE, held=False, where=HOSTILE)], notes=[HOSTILE], text=HOSTILE
    )

    assert made.count("&lt;script&gt;alert(1)&lt;/script&gt;") == 6
    assert "<script" not in made
    assert "src=" not in made
    assert """content="default-src 'none'; style-src 'unsafe-inline'">""" in made


def test_it_counts_what_does_not_pass_and_marks_it():
    made = page(rows=[ROW, ReportRow("<p>", "keep", "", held=False)])

    assert "<b>refused</b>: 1 of 2 do not pass as they are" in made
    assert '<td data-of="what happens" class="held">hold</td>' in made
    assert '<td data-of="what happens">keep</td>' in made
    assert '<td data-of="rule">rules.yaml:52</td><td data-of="where">line 3</td>' in made


def test_without_rows_notes_or_text_there_is_no_empty_section():
    made = page()

    assert "<p>No rule touches anything here.</p>" in made
    assert "<h2>" not in made
    assert "<table" not in made


def test_lines_of_the_page_are_numbered_and_those_of_tags_marked():
    made = page(text="<p>\n\n<img>", marked=frozenset({3}))

    assert '<ol>\n<li>&lt;p&gt;</li>\n<li> </li>\n<li class="on">&lt;img&gt;</li>\n</ol>' in made


def test_long_lines_and_long_pages_are_cut():
    made = page(text="x" * (LONGEST_LINE + 1) + "\n" + "y" * LONGEST_LINE + "\n" * MOST_LINES)

    assert f"<li>{'x' * LONGEST_LINE} ...</li>" in made
    assert f"<li>{'y' * LONGEST_LINE}</li>" in made
    assert made.count("<li") == MOST_LINES


def test_what_cannot_be_printed_is_replaced():
    assert "<li>a\ufffdb\tc\ufffd</li>" in page(text="a\x1bb\tc\u202e")
