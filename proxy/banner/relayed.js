// In the frame of a relayed form, before the provider's script: whatever that asks of the provider's
// hosts goes through the relay instead. What this misses, the frame's own policy blocks.
//
// No "less than" and no ampersand in here. After a change run make assets.
((hosts, path) => {
  let relay = new URL(path, location.href).href;

  let way = to => {
    try {
      let asked = new URL(to, location.href);
      if (asked.protocol == "https:") if (hosts.includes(asked.hostname)) return relay + asked.hostname + asked.pathname + asked.search;
    } catch (none) {}
    return to;
  };

  let wrap = (proto, key, make) => {
    proto[key] = make(proto[key]);
  };

  let address = (kind, key) => {
    let own = Object.getOwnPropertyDescriptor(kind.prototype, key), native = own.set;
    own.set = function (to) {
      native.call(this, way(to));
    };
    Object.defineProperty(kind.prototype, key, own);
  };

  let lead = form => form.setAttribute("action", way(form.getAttribute("action") || ""));

  address(HTMLScriptElement, "src");
  address(HTMLImageElement, "src");
  address(HTMLIFrameElement, "src");
  address(HTMLLinkElement, "href");
  address(HTMLFormElement, "action");
  wrap(Element.prototype, "setAttribute", native => function (key, to) {
    return native.call(this, key, /^(src|href|action)$/i.test(key) ? this.localName == "a" ? to : way(to) : to);
  });
  wrap(HTMLFormElement.prototype, "submit", native => function () {
    lead(this);
    return native.call(this);
  });
  addEventListener("submit", event => lead(event.target), true);

  // Our own address is another origin to a frame without one: no credentials, or CORS refuses.
  wrap(window, "fetch", native => (to, init) => native(to instanceof Request ? new Request(way(to.url), to) : way(to), Object.assign({}, init, { credentials: "omit" })));
  wrap(XMLHttpRequest.prototype, "open", native => function (method, to) {
    arguments[1] = way(to);
    return native.apply(this, arguments);
  });
  Object.defineProperty(XMLHttpRequest.prototype, "withCredentials", { get: () => false, set: () => {} });
  navigator.sendBeacon = (to, body) => {
    fetch(to, { method: "POST", body: body, keepalive: true }).catch(() => {});
    return true;
  };
})(HOSTS);
