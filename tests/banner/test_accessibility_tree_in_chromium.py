"""What assistive technology is told of banner, link and panel; forced colours, and paper."""

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.e2e

CLOSED = """
- dialog "Your cookies, your choice":
  - heading "Your cookies, your choice" [level=2]
  - paragraph:
    - link "6 third parties"
  - paragraph: Functional (forms, appointments, language) and Performance (audience, telemetry).
  - paragraph: Without it the site works all the same, but appointments become a link and audience is not measured.
  - paragraph:
    - link "Cookie policy"
    - link "Privacy policy"
  - button "Refuse all"
  - button "Accept all"
  - group: Customize
"""
OPEN = """
- dialog "Your cookies, your choice":
  - heading "Your cookies, your choice" [level=2]
  - group:
    - text: Customize
    - group "Customize":
      - checkbox /Functional More convenient forms/ [checked=false]
      - checkbox /Performance Audience measurement/ [checked=false]
      - paragraph: Strictly necessary. Security, sign-in, access to forms and payment. Always on.
    - button "Save my choices"
"""
LINK = """
- navigation "Privacy":
  - status
  - link "Manage my cookies"
"""
SAID = """
- navigation "Privacy":
  - 'status': /Saved. You can change it .* 2/
  - link "Manage my cookies"
"""
CARD = """
- group "Content from Calendly":
  - button "Show it once"
  - link "Open Calendly in a new tab"
  - 'link "Always allow: Functional"'
"""
PANEL = """
- main:
  - heading "Manage my cookies" [level=1]
  - 'region "Allow: Functional"':
    - 'heading "Allow: Functional" [level=2]':
      - 'checkbox "Allow: Functional" [checked]'
    - group: Providers and details HubSpot, Calendly, WPML
  - 'region "Allow: Performance"':
    - 'heading "Allow: Performance" [level=2]':
      - 'checkbox "Allow: Performance" [checked=false]'
  - group "Your choice":
    - button "Save my choices"
    - button "Refuse all"
    - button "Accept all"
  - heading "Your choice today" [level=2]
  - group: Strictly necessary Always on; needs no consent.
"""


def test_banner_and_link_are_a_dialog_and_a_navigation(visit):
    visitor = visit()

    expect(visitor.banner).to_match_aria_snapshot(CLOSED)
    expect(visitor.page.locator("#cc-l")).to_match_aria_snapshot(LINK)
    visitor.banner.locator("summary").click()
    expect(visitor.banner).to_match_aria_snapshot(OPEN)


def test_a_card_is_a_group_with_a_button_and_two_links_and_the_link_says_what_was_saved(visit, stage):
    stage.answered, stage.saved = True, 2
    page = visit().page
    page.reload()  # as behind an answer

    expect(page.locator(".ph").first).to_match_aria_snapshot(CARD)
    expect(page.locator("#cc-l")).to_match_aria_snapshot(SAID)


def test_the_panel_is_a_region_for_each_switch_then_the_buttons_then_the_rest(visit, stage):
    stage.granted, stage.answered = ("functional",), True

    expect(visit("/.consent/").page.locator("main")).to_match_aria_snapshot(PANEL)


BUTTONS = """e => [...e.querySelectorAll("button, summary")].filter(button => button.checkVisibility()).map(button => {
  let style = getComputedStyle(button);
  return [style.borderTopWidth != "0px", style.borderTopColor != style.backgroundColor, style.color != style.backgroundColor]; })"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_button_has_an_edge_where_the_visitor_forces_colours(visit, scheme):
    visitor = visit(forced_colors="active", color_scheme=scheme)
    seen = visitor.banner.evaluate(BUTTONS)

    assert seen == [[True] * 3] * 3


def test_neither_banner_nor_link_is_printed(visit):
    visitor = visit()
    visitor.page.emulate_media(media="print")

    assert visitor.banner.is_hidden()
    assert visitor.page.locator("#cc-l").is_hidden()
