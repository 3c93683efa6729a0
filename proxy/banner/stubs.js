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
  window.Calendly = window.Calendly || { initInlineWidget: none, initBadgeWidget: none, destroyBadgeWidget: none, closePopupWidget: none, initPopupWidget: to => go(to.url), showPopupWidget: go };
})(url => open(url, "_blank", "noopener"), () => {});
// end
// for nothing: swallows every use of these names, but is no promise
((names, none) => {
  none = new Proxy(function () {}, { get: (own, key) => key in own ? own[key] : key == "then" ? undefined : key == Symbol.toPrimitive ? () => "" : none, apply: () => none });
  names.map(name => {
    if (!(name in window)) window[name] = none;
  });
})(NAMES);
// end
