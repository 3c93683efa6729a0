// Runs before every script of every frame: tells who writes and reads cookies and storage. No value leaves the page.
(() => {
  "use strict";
  const tell = self["__BINDING__"];
  if (typeof tell !== "function") return;
  delete self["__BINDING__"];
  const { stringify } = JSON, seen = new Set(), has = seen.has.bind(seen), add = seen.add.bind(seen);
  const E = Error, text = String, apply = Reflect.apply, replace = Object.defineProperty, facts = Object.getOwnPropertyDescriptor;
  const say = (what, value) => {
    try {
      const told = stringify([what, text(value).slice(0, 2000), location.href.slice(0, 2000), text(new E().stack).slice(0, 4000)]);
      if (has(told) || seen.size > 5000) return;
      add(told);
      tell(told);
    } catch {}
  };
  const wrap = (proto, name, before) => {
    const native = proto && proto[name];
    if (typeof native !== "function") return;
    const found = facts(proto, name);
    replace(proto, name, {
      ...found,
      value: { [name](...given) { before(this, given); return apply(native, this, given); } }[name],
    });
  };
  const names = line => text(line).split(";").map(pair => pair.split("=")[0].trim()).filter(Boolean).join(";");
  const bare = line => {
    const [pair, ...rest] = text(line).split(";"), at = pair.indexOf("=");
    return [at < 0 ? "=" + pair.split("=")[0] : pair.slice(0, at) + "=x", ...rest].join(";");
  };
  const area = store => { try { return store === self.sessionStorage ? "session" : "local"; } catch { return "local"; } };
  if (self.Document) {
    const cookie = facts(Document.prototype, "cookie");
    if (cookie) replace(Document.prototype, "cookie", {
      ...cookie,
      get() { const line = apply(cookie.get, this, []); if (line) say("read-cookie", names(line)); return line; },
      set(line) { say("cookie", bare(line)); apply(cookie.set, this, [line]); },
    });
  }
  const store = self.CookieStore && CookieStore.prototype;
  wrap(store, "set", (_, [one, value]) => {
    if (typeof one !== "object" || !one) return say("cookie", one + "=x; Path=/");
    const life = one.expires == null ? "" : "; Max-Age=" + Math.round((one.expires - Date.now()) / 1000);
    say("cookie", one.name + "=x; Path=/" + (one.domain ? "; Domain=" + one.domain : "") + life + (one.partitioned ? "; Partitioned" : ""));
  });
  wrap(store, "get", (_, [one]) => say("read-store", typeof one === "object" && one ? one.name || "*" : one));
  wrap(store, "getAll", (_, [one]) => say("read-store", typeof one === "object" && one ? one.name || "*" : one || "*"));
  const storage = self.Storage && Storage.prototype;
  wrap(storage, "setItem", (at, [key]) => say("key-" + area(at), key));
  wrap(storage, "getItem", (at, [key]) => say("read-" + area(at), key));
  wrap(self.IDBFactory && IDBFactory.prototype, "open", (_, [name]) => say("key-database", name));
  const servers = given => {
    for (const one of given?.iceServers || []) for (const url of [one.urls || one.url || []].flat()) {
      const host = /^(?:stun|turn)s?:(?:[^@]*@)?(\[[^\]]*\]|[^:?\/]*)/i.exec(url);
      if (host) say("webrtc", host[1]);
    }
  };
  const Connection = self.RTCPeerConnection;
  if (Connection) {
    const told = new Proxy(Connection, {
      construct(native, given, as) {
        const made = Reflect.construct(native, given, as);
        try { servers(given[0]); } catch {}
        return made;
      },
    });
    replace(Connection.prototype, "constructor", { ...facts(Connection.prototype, "constructor"), value: told });
    for (const name of ["RTCPeerConnection", "webkitRTCPeerConnection"])
      if (self[name]) replace(self, name, { ...facts(self, name), value: told });
    wrap(Connection.prototype, "setConfiguration", (_, [given]) => { try { servers(given); } catch {} });
  }
  wrap(self.CacheStorage && CacheStorage.prototype, "open", (_, [name]) => say("key-cache", name));
})();
