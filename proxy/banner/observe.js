// `observe: page`: names what a page stores, loads and calls, refuses nothing, changes nothing.
//
// First in head. At the end of the page's life, or a minute after it loaded, one report says what is new:
//   reports  the address that takes it
// data-known holds the hashes of the names that were reported or seen before (seen/known_names.py makes the
// same). Names leave masked as seen/names.py masks them, hosts whole: what looks like an id in them may be whose
// they are (d111111abcdef8.cloudfront.net). Never a value, a query or a text of the page.
//
// No "less than" and no ampersand in here: the same bytes stand in HTML and in XHTML.
((reports) => {
  "use strict";
  let { apply } = Reflect, { defineProperty: define, getOwnPropertyDescriptor: describe } = Object, { imul } = Math;
  let script = document.currentScript, known = ("" + script.dataset.known).split(" "), found = new Map(), sent, keys = new Map();
  let lookbehind = text => "(?" + String.fromCharCode(60) + "!" + text + ")";
  let ids = new RegExp("[^\\s/=]*(?:@|%40)[^\\s/=]*|" + lookbehind("[\\d.]") + "\\d{1,3}(?:\\.\\d{1,3}){3}(?![\\d.])|[0-9a-fA-F]{0,4}(?::[0-9a-fA-F]{0,4}){3,7}|" + lookbehind("[0-9A-Za-z]") + "(?=[A-Za-z]*\\d)(?=\\d*[A-Za-z])[0-9A-Za-z]{12,}|" + lookbehind("[0-9A-Za-z]") + "(?=[a-fA-F-]*\\d)[0-9a-fA-F-]{8,}(?![0-9A-Za-z])|\\d{4,}", "g");
  let masked = name => name.replace(ids, "*").replace(/\*{2,}/g, "*");
  let labels = host => host.split(".").map(label => /^(?:(?=.*\d)[\da-f-]{16,}|\d{6,})$/.test(label) ? "*" : label).join(".");
  let hash = text => {
    let sum = 2166136261;
    for (let i = 0; text.length > i; i++) sum = imul(sum ^ text.charCodeAt(i), 16777619);
    return (sum >>> 0).toString(36);
  };

  // Whose script is at work: the first frame of the call that is not ours.
  let ours = script.src, writer = () => {
    let frames = ("" + Error().stack).match(/(?:https?|wss?):\/\/[^\s)]+/g) || [], one = frames.find(frame => !frame.startsWith(ours));
    try {
      return new URL(one).host == location.host ? "self" : new URL(one).hostname;
    } catch (none) {
      return "";
    }
  };
  let note = (kind, name, element, by) => {
    if (name.length > 128 || found.size > 199) return;
    let host = kind == "host", two = kind.slice(0, 2), kept = host ? labels(name) : masked(name);
    if (!host) name = kept;
    let id = two + name;
    if (!found.has(id)) if (![id, two + kept].some(one => known.includes(hash(one)))) found.set(id, [kind, name, element, by]);
  };

  // Calls the page's own method behind ours, with the very same arguments.
  let before = (on, name, look) => {
    let own = on ? describe(on, name) : 0, field = own ? own.set ? "set" : "value" : 0, native = field ? own[field] : 0;
    if (typeof native != "function") return;
    own[field] = new Proxy(native, { apply: (native, self, args) => {
      try {
        look(self, args);
      } catch (none) {}
      return apply(native, self, args);
    } });
    define(on, name, own);
  };
  // A cookie with its life in seconds, or `session`; what is deleted is not named.
  let cookie = (name, life) => life > 0 ? note("cookie", name.trim(), "" + Math.ceil(life), writer()) : life === undefined ? note("cookie", name.trim(), "session", writer()) : 0;
  let written = text => {
    let [pair, ...parts] = ("" + text).split(";"), said = {};
    for (let part of parts) said[part.split("=")[0].trim().toLowerCase()] = part.slice(part.indexOf("=") + 1).trim();
    let age = parseInt(said["max-age"]), at = Date.parse(said.expires);
    cookie(pair.split("=")[0], age == age ? age : at == at ? (at - Date.now()) / 1000 : undefined);
  };
  before(Document.prototype, "cookie", (page, [text]) => written(text));
  if (self.CookieStore) before(CookieStore.prototype, "set", (store, [one]) => {
    let { name, expires: at } = typeof one == "object" ? one : { name: one };
    cookie("" + name, at ? (at - Date.now()) / 1000 : undefined);
  });
  before(Storage.prototype, "setItem", (store, [key]) => {
    if (!keys.has("" + key)) keys.set("" + key, writer());
  });

  // Databases and caches: what is opened, and what is there from earlier.
  let opens = (on, element) => on ? before(on.prototype, "open", (store, [name]) => note("key", "" + name, element, writer())) : 0;
  opens(self.IDBFactory, "indexedDB");
  opens(self.CacheStorage, "caches");
  let kept = async () => {
    try {
      for (let { name } of await indexedDB.databases()) note("key", name, "indexedDB", "");
    } catch (none) {}
    try {
      for (let name of await caches.keys()) note("key", name, "caches", "");
    } catch (none) {}
  };

  // Global queues of calls, as snippets make them (fbq, ttq, _paq): a function with a list, or a list that
  // holds arguments, has functions of its own, or is called _something. No getter of the page is run.
  let begun = new Set(Object.getOwnPropertyNames(self)), list = Array.isArray;
  let field = (on, name) => (describe(on, name) || {}).value, calls = value => typeof value == "function";
  let queues = (name, value) => {
    if (calls(value)) return ["q", "queue", "_q"].some(one => list(field(value, one)));
    if (list(value)) return [0, 1, 2].some(at => {
      let one = field(value, at);
      return Object.prototype.toString.call(one) == "[object Arguments]" || (name[0] == "_" ? list(one) : 0);
    }) || Object.keys(value).slice(0, 99).some(one => calls(field(value, one)));
    return value ? name[0] == "_" ? typeof value == "object" ? calls(value.push) : 0 : 0 : 0;
  };
  let named = 0, look = () => {
    for (let name of Object.keys(self)) if (!begun.has(name)) try {
      if (queues(name, field(self, name))) {
        begun.add(name);
        if (32 > named++) note("call", name, "", "");
      }
    } catch (other) {}
  };
  document.addEventListener("DOMContentLoaded", look);

  // What was loaded and broke no rule: neutral hosts, and what only a style sheet names.
  let loaded = () => {
    for (let { name, initiatorType } of performance.getEntriesByType("resource")) try {
      let { host, hostname } = new URL(name);
      if (host != location.host) note("host", hostname, initiatorType, "");
    } catch (none) {}
  };

  addEventListener("securitypolicyviolation", violation => stopped(violation.blockedURI, violation.effectiveDirective), true);
  let stopped = (address, directive) => {
    try {
      let { hostname, protocol } = new URL(address);
      if (hostname) note("host", hostname, protocol.startsWith("ws") ? "socket" : directive, "");
    } catch (inline) {}
  };

  // A worker made of a blob has this page's policy, and violations of its own: they come by a channel.
  let channel, blobs = new Map(), { createObjectURL } = URL;
  if (self.BroadcastChannel) {
    let name = "callkom-observe-" + crypto.getRandomValues(new Uint32Array(2)).join("");
    let tail = `\n;addEventListener("securitypolicyviolation",e=>{let c=new BroadcastChannel("${name}");c.postMessage([e.blockedURI,e.effectiveDirective]);c.close()})`;
    URL.createObjectURL = new Proxy(createObjectURL, { apply: (native, on, args) => {
      let address = apply(native, on, args);
      if (args[0] instanceof Blob) if (32 > blobs.size) blobs.set(address, args[0]);
      return address;
    } });
    before(URL, "revokeObjectURL", (on, [address]) => blobs.delete(address));
    if (self.Worker) Worker = new Proxy(Worker, { construct: (native, args, by) => {
      let blob = blobs.get("" + args[0]);
      if (blob) {
        channel ||= Object.assign(new BroadcastChannel(name), { onmessage: ({ data }) => stopped(data[0], data[1]) });
        args = [apply(createObjectURL, URL, [new Blob([blob, tail], { type: blob.type })]), ...args.slice(1)];
      }
      return Reflect.construct(native, args, by);
    } });
  }

  let send = () => {
    if (sent) return;
    for (let store of ["localStorage", "sessionStorage"]) try {
      for (let key of Object.keys(self[store])) note("key", key, store, keys.get(key) || "");
    } catch (denied) {}
    for (let [key, by] of keys) note("key", key, "", by);
    look();
    loaded();
    if (!found.size) return;
    sent = 1;
    navigator.sendBeacon(reports, JSON.stringify({ page: location.pathname, seen: [...found.values()] }));
  };
  addEventListener("pagehide", send);
  document.addEventListener("visibilitychange", () => document.visibilityState == "hidden" ? send() : 0);
  addEventListener("load", () => {
    kept();
    setTimeout(send, 60000);
  });
})(REPORTS);
