// Stand-ins for what refused providers would have defined, so that a site's own calls of it break
// nothing. A part is shipped where a tag rule for one of its hosts is refused.
//
// No "less than" and no ampersand in here; a semicolon behind every statement.

// for hs-scripts.com
window._hsq = window._hsq || [];
window._hsp = window._hsp || [];
// end
// for google-analytics.com
window.ga = window.ga || function () {};
window.__gtagTracker = window.__gtagTracker || function () {};
// end
// for calendly.com
((go, none) => {
  window.Calendly = window.Calendly || { initInlineWidget: to => document.dispatchEvent(new CustomEvent("cc-offer", { detail: [{ address: to.url }, to.parentElement] })), initBadgeWidget: none, destroyBadgeWidget: none, closePopupWidget: none, initPopupWidget: to => go(to.url), showPopupWidget: go };
})(url => open(url, "_blank", "noopener"), () => {});
// end
// for nothing: swallows every use of these names, but is no promise
((names, none) => {
  none = new Proxy(function () {}, { get: (own, key) => key in own ? own[key] : key == "then" ? undefined : key == Symbol.toPrimitive ? () => "" : none, apply: () => none });
  // hbspt.forms.create: what it would have shown is offered in its place.
  none.create = to => {
    if (to.formId) document.dispatchEvent(new CustomEvent("cc-offer", { detail: [{ embed: ["form", to.region || "na1", to.portalId, to.formId].join(" ") }, to.target || document.currentScript] }));
    return none;
  };
  names.map(name => {
    if (!(name in window)) window[name] = none;
  });
})(NAMES);
// end
