// Stand-ins for what refused providers would have defined, so that a site's own calls of it break
// nothing. A part is shipped where a tag rule for one of its hosts is refused.
//
// No "less than" and no ampersand in here; a semicolon behind every statement.

// for hs-scripts.com
window._hsq = window._hsq || [];
window._hsp = window._hsp || [];
// end
// for calendly.com
((go, none) => {
  window.Calendly = window.Calendly || { initInlineWidget: to => document.dispatchEvent(new CustomEvent("cc-offer", { detail: [{ address: to.url }, to.parentElement] })), initInlineWidgets: none, initBadgeWidget: none, destroyBadgeWidget: none, closePopupWidget: none, initPopupWidget: to => go(to.url), showPopupWidget: go };
})(url => open(url, "_blank", "noopener"), () => {});
// end
// for nothing: swallows every use of these names, but is no promise
((names, queue, none, push) => {
  // Sites wait for word that an event was sent, before they follow a link, say.
  let answer = word => {
    if (word) ["hitCallback", "event_callback", "eventCallback"].map(key => {
      if (typeof word[key] == "function") setTimeout(word[key]);
    });
  };
  none = new Proxy(function () {}, { get: (own, key) => key in own ? own[key] : key == "then" ? undefined : key == Symbol.toPrimitive ? () => "" : none, apply: (own, self, words) => {
    words.map(answer);
    return none;
  } });
  // hbspt.forms.create: what it would have shown is offered in its place.
  none.create = to => {
    if (to) if (to.formId) document.dispatchEvent(new CustomEvent("cc-offer", { detail: [{ embed: ["form", to.region || "na1", to.portalId, to.formId].join(" ") }, to.target || document.currentScript] }));
    return none;
  };
  names.map(name => {
    if (!(name in window)) window[name] = none;
  });
  if (queue) {
    push = queue.push;
    queue.push = function () {
      Array.from(arguments).map(one => [one].concat(Array.from(Object(one))).map(answer));
      return push.apply(queue, arguments);
    };
  }
})(NAMES, QUEUE);
// end
