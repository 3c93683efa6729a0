// On a page that asks, before offers.js: fetches that once there is something for it to do, and
// tells it what happened meanwhile. Most pages hold no placeholder and stay light.
//
// No "less than" and no ampersand in here. After a change run make assets.
(file => {
  let page = document, kinds = ["click", "cc-offer", "securitypolicyviolation"], early = [], script;

  let fetched = () => {
    kinds.map(kind => page.removeEventListener(kind, note));
    early.map(event => event.type == "click" ? event.target.click() : page.dispatchEvent(new CustomEvent("cc-early", { detail: event })));
  };

  let bring = () => {
    if (script) return;
    script = page.createElement("script");
    script.onload = script.onerror = fetched;
    script.src = file;
    page.head.append(script);
  };

  let note = event => {
    if (event.type == "click") {
      if (!event.target.closest("[data-cc-once],[data-cc-always]")) return;
      event.preventDefault();
    }
    early.push(event);
    bring();
  };

  kinds.map(kind => page.addEventListener(kind, note));
  page.addEventListener("DOMContentLoaded", () => {
    if (page.querySelector("[data-cc-once],[data-cc-always],.ph")) bring();
  });
})(FILE);
