// The third net: refuses and shortens what scripts store, by the rows of rules.yaml.
//
// It is the first script in <head>. filter/headers/guard_table.py puts its table where TABLE stands:
//   rows     [pattern of "name;domain", life, purpose]; the first that fits decides.
//            life: 0 refused, -1 for the session, else the most seconds.
//            purpose: its number where consent is needed; one past all where its life may slide
//   keep     1 where undeclared cookies are kept
//   keys     pattern of the names in storage that are refused
//   reports  where names, never values, are counted: of cookies and storage that were refused, and
//            of storage that no rule knows
//   known    pattern of the names in storage that rules allow
// With `keys` it refuses the names of rules alone; with `trackers` those of known trackers, too.
// The script's data-since holds, for each purpose, the day since which it has been granted.
// data-gone comes with an answer given elsewhere (banner.js): until this page is loaded anew,
// nothing more is written on the strength of the answer it was made for.
//
// No "less than" and no ampersand in here: the same bytes stand in HTML and in XHTML. After a
// change run make assets: pages carry what esbuild made of this file, without the parts that a
// table does not need.
((rows, keep, keys, reports, known) => {
  let said = document.currentScript.dataset, since = ("" + said.since).split(" "), counts, stored, room;

  // Returns the text to write: the very same where all is well, nothing where it is refused.
  let judge = text => {
    let age, date, now = Date.now() / 1e3;
    let bare = text.replace(/;\s*(?:max-(age)|expires)\s*=?([^;]*)/gi, (all, key, value) => {
      if (!key) date = (Date.parse(value) + 1) / 1e3 || date;
      else if (/^\s*-?\d+\s*$/.test(value)) age = value;
      return "";
    });
    let life = age ? +age : date - now;
    if (0 >= life) return text;

    let name = /^[\s=]*([^=;]*)/.exec(text)[1].trim(), subject = name + ";";
    // only with domains
    let host = location.hostname, domain = (/.*;\s*domain\s*=\s*\.?([^;\s]*)/i.exec(text) || [0, host])[1].toLowerCase();
    if (!("." + host).endsWith("." + domain)) domain = host;
    subject += domain;
    // end
    let row = rows.find(row => row[0].test(subject));
    if (row ? !row[1] || row[2] > -said.gone : !keep) {
      if (counts[name] || room-- > 0) counts[name] = -~counts[name];
      return;
    }
    if (!row) return text;

    // filter/headers/cookies.py counts the same way: spans of one life each, from the end of that day.
    let limit = row[1], late = now - 86400 - since[row[2]] * 86400;
    if (late > 0) limit -= late % limit;
    if (limit >= life) return text;
    return limit * life > 0 ? bare + ";max-age=" + ~~limit : bare;
  };

  // only with trackers
  let refused = key => {
    if (!known.test(key)) if (stored[key] || room-- > 0) stored[key] = -~stored[key];
    return keys.test(key);
  };
  // end

  let redefine = (proto, name, field, make) => {
    let own = Object.getOwnPropertyDescriptor(proto, name), native = own[field];
    if (native.guard) throw 0;
    (own[field] = make(native)).guard = 1;
    Object.defineProperty(proto, name, own);
  };

  let guard = w => {
    try {
      w = w.defaultView || w;
      redefine(w.Document.prototype, "cookie", "set", native => function (text) {
        if (text = judge("" + text)) native.call(this, text);
      });
      // Frames without an address of their own share our cookies and bring fresh setters.
      ["contentWindow", "contentDocument"].map(name => redefine(w.HTMLIFrameElement.prototype, name, "get", native => function () {
        let found = native.call(this);
        return guard(found), found;
      }));
      // Asked in time: a srcdoc replaces an empty document in the same window. 1.5 us an element.
      new MutationObserver(() => {
        for (let i = w.length; i--;) guard(w[i]);
      }).observe(w.document, { childList: 1, subtree: 1 });
      // only with keys
      redefine(w.Storage.prototype, "setItem", "value", native => function (key) {
        keys.test(key) || native.apply(this, arguments);
      });
      // end
      // only with trackers
      redefine(w.Storage.prototype, "setItem", "value", native => function (key) {
        refused(key) || native.apply(this, arguments);
      });
      redefine(w.IDBFactory.prototype, "open", "value", native => function (name) {
        if (refused(name)) throw new DOMException(name, "SecurityError");
        return native.apply(this, arguments);
      });
      // end
      redefine(w.CookieStore.prototype, "set", "value", native => function (name, value) {
        let init = Object.assign({}, value === undefined ? name : { name: name, value: value });
        let text = (init.name || init.value) + "=;domain=" + init.domain + ";max-age=" + init.maxAge + ";expires=" + new Date(init.expires === null ? NaN : init.expires);
        let judged = judge(text), life = /age=(\d+)$/.exec(judged);
        if (judged != text) {
          init.expires = life ? Date.now() + life[1] * 1e3 : null;
          delete init.maxAge;
        }
        return judged ? native.call(this, init) : Promise.resolve();
      });
    } catch (done) {}
  };

  let leave = () => {
    // Keys written as properties pass no function: they go when a page comes and when it goes.
    // only with keys
    try {
      [localStorage, sessionStorage].map(store => Object.keys(store).map(key => keys.test(key) ? store.removeItem(key) : 0));
    } catch (denied) {}
    // end
    // only with trackers
    try {
      [localStorage, sessionStorage].map(store => Object.keys(store).map(key => keys.test(key) ? store.removeItem(key) : 0));
      indexedDB.databases().then(all => all.map(one => keys.test(one.name) ? indexedDB.deleteDatabase(one.name) : 0));
    } catch (denied) {}
    // end
    // only without trackers
    if (30 > room) navigator.sendBeacon(origin + reports, JSON.stringify({ cookies: counts }));
    // end
    // only with trackers
    if (30 > room) navigator.sendBeacon(origin + reports, JSON.stringify({ cookies: counts, storage: stored }));
    stored = {};
    // end
    counts = {};
    room = 30;
  };

  guard(self);
  leave();
  addEventListener("pagehide", leave);
})(TABLE);
