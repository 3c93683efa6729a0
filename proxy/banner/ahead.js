// On a page that asks, before offers.js: fetches that once there is something for it to do, and
// tells it what happened meanwhile. Most pages hold no placeholder and stay light.
//
// `loaders`: held scripts after which what wants an offer may come.
//
// No "less than" and no ampersand in here. After a change run make assets.
((file, loaders) => {
  let page = document, kinds = ["click", "cc-offer", "securitypolicyviolation"], early = [], script;
  if (page.ccAhead) return; // page swappers run the scripts of later heads as well

  // Where it does not come, the link leads on.
  let fetched = error => {
    kinds.map(kind => removeEventListener(kind, note, 1));
    early.map(one => error ? one.from?.click() : page.dispatchEvent(new CustomEvent("cc-early", { detail: one })));
  };

  // Imported: a script element would hold up the page's load event.
  let bring = () => script ||= import(file).then(() => fetched(), fetched);

  let note = event => {
    let from = event.composedPath()[0];
    if (event.type == "click") {
      if (!(from.closest ? from.closest("[data-cc-once],[data-cc-always]") : 0)) return;
      event.stopImmediatePropagation(event.preventDefault());
    }
    early.push(event.type == "click" ? { type: "click", isTrusted: event.isTrusted, from: from } : event);
    bring();
  };

  page.ccAhead = 1;
  kinds.map(kind => addEventListener(kind, note, 1));
  page.addEventListener("DOMContentLoaded", () => {
    let wanted = "[data-cc-once],[data-cc-always],.ph," + loaders;
    if (page.querySelector(wanted) || Array.from(page.querySelectorAll("*")).some(element => element.shadowRoot ? element.shadowRoot.querySelector(wanted) : 0)) bring();
  });
})(FILE, LOADERS);
