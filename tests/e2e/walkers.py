"""The same walk in two browsers: what a person does, said once."""

WIDE, NARROW = (1280, 800), (390, 760)


class InChromium:
    """A person with Chromium, played by Playwright."""

    def __init__(self, visitor) -> None:
        self.visitor = visitor
        self.page = visitor.page
        self.goes, self.settle = visitor.goes, visitor.settle
        self.evaluates = lambda expression: self.page.evaluate(f"async () => await ({expression})")
        self.errors = visitor.errors
        self.back = lambda: (self.page.go_back(wait_until="commit"), self.settle())
        self.picture = lambda path: self.page.screenshot(path=path)

    @property
    def address(self) -> str:
        return self.page.url

    def _thing(self, role: str, name: str):
        if role == "text":
            return self.page.get_by_text(name, exact=True)
        return self.page.get_by_role(role, name=name, exact=True)

    def sees(self, role: str, name: str) -> int:
        return self._thing(role, name).count()

    def clicks(self, role: str, name: str) -> None:
        self._thing(role, name).first.click()
        self.page.wait_for_timeout(300)
        self.settle()

    def ticks(self, purpose: str) -> None:
        self.page.locator(f"input[name=purpose][value={purpose}]").first.click()

    def types(self, selector: str, text: str) -> None:
        self.page.locator(selector).press_sequentially(text)

    def cookie_names(self) -> set[str]:
        return {name for name, domain in self.visitor.cookies() if domain.endswith("callkom.io")}

    def leaves(self) -> None:
        """The fixture of all Chromium walks closes it."""
