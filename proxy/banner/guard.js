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
//   boot     markup that guards the document it begins (a srcdoc), by callkomGuard of its parent
//   servers  [refused, known]: patterns of the STUN and TURN hosts that WebRTC may not use, and of
//            those that somebody declared (passkeys use no others); 1 as a third: what nobody
//            declared is refused as well
//   known    pattern of the names in storage that rules allow, with `trackers`: others are counted
// The script's data-since holds, for each purpose, the day since which it has been granted.
// data-gone comes with an answer given elsewhere (banner.js): until this page is loaded anew,
// nothing more is written on the strength of the answer it was made for.
//
// Page code may have replaced any built-in by the time the guard needs it, and an argument may read
// differently the second time. So built-ins are captured here and called by Reflect.apply, every
// argument is read once, and nothing is looked up on a prototype: no method of a value, no
// iteration, no property or index that may be missing.
//
// Every realm of this origin that page code can reach has fresh built-ins. What hands one out is
// wrapped (contentWindow and its like, open), and so is what puts elements into a document, since
// window[0] and window.name show a new frame at once and cannot be wrapped themselves. What a parser
// puts there is observed as long as one is at work.
//
// No "less than" and no ampersand in here: the same bytes stand in HTML and in XHTML. After a
// change run make assets: pages carry what esbuild made of this file, without the parts that a
// table does not need.
((rows, keep, keys, reports, boot, servers, known) => {
  "use strict";
  let { apply, construct, setPrototypeOf, getOwnPropertyDescriptor: describe, defineProperty: define } = Reflect;
  let getter = (on, name) => describe(on, name).get;
  let { parse, now } = Date, { exec } = RegExp.prototype, { slice, toLowerCase } = "", { stringify, parse: read } = JSON, { iterator } = Symbol;
  let { observe } = MutationObserver.prototype, Observer = MutationObserver, { addEventListener } = EventTarget.prototype;
  let { getAttribute, setAttribute, matches, remove, querySelectorAll: inElement } = Element.prototype, codeOf = getter(Node.prototype, "textContent"), baseOf = getter(Node.prototype, "baseURI"), Wrapper = Proxy, Address = URL, object = Object, Failure = DOMException, done = Promise.resolve();
  let dataset = document.currentScript.dataset, since = ("" + dataset.since).split(" "), host = document.domain, counts, stored, others, room;

  let bare = object => (setPrototypeOf(object, null), object);
  let match = (pattern, text) => apply(exec, pattern, [text]);
  let cut = (text, start, end) => apply(slice, text, [start, end]);
  let each = (list, use) => {
    for (let i = 0; list.length > i; i++) use(list[i]);
  };
  // What browsers read as a sequence, whatever became of arrays.
  let sequence = list => bare({ [iterator]: (i = 0) => bare({ next: () => bare({ done: i == list.length, value: list[i++] }) }) });
  let viewOf = getter(Document.prototype, "defaultView"), textOf = getter(Address.prototype, "href");
  let here = origin + "/", typeOf = getter(Node.prototype, "nodeType"), targetOf = getter(MutationRecord.prototype, "target"), addedOf = getter(MutationRecord.prototype, "addedNodes");
  let { querySelectorAll } = DocumentFragment.prototype, readyOf = getter(Document.prototype, "readyState"), countOf = getter(NodeList.prototype, "length"), windowOf = getter(HTMLIFrameElement.prototype, "contentWindow");
  let lengthOf = getter(self, "length"), closedOf = getter(self, "closed");
  let eachNode = (list, use) => {
    for (let i = apply(countOf, list, []); i--;) use(list[i]);
  };
  each(rows, bare);
  bare(since);

  let note = (name, into) => {
    if (into[name] || room-- > 0) into[name] = -~into[name];
  };

  // Returns the text to write: the very same where all is well, nothing where it is refused.
  let judge = text => {
    let age, date, found, row, rest = "", end = 0, time = now() / 1e3, lives = /;\s*(?:max-(age)|expires)\s*=?([^;]*)/gi;
    while (found = match(lives, text)) {
      rest += cut(text, end, found.index);
      end = lives.lastIndex;
      if (!found[1]) date = (parse(found[2]) + 1) / 1e3 || date;
      else if (match(/^\s*-?\d+\s*$/, found[2])) age = found[2];
    }
    rest += cut(text, end);
    let life = age ? +age : date - time;
    if (0 >= life) return text;

    let name = match(/^[\s=]*([^=;\s\0]*(?:\s+[^=;\s\0]+)*)/, text)[1], subject = name + ";";
    // only with domains
    let domain = match(/^[^]*;\s*domain\s*=\s*\.?([^;\s]*)/i, text);
    domain = domain ? apply(toLowerCase, domain[1], []) : host;
    if (cut("." + host, -1 - domain.length) != "." + domain) domain = host;
    subject += domain;
    // end
    each(rows, one => {
      if (!row) if (match(one[0], subject)) row = one;
    });
    if (row ? !row[1] || row[2] > -dataset.gone : !keep) return note(name, counts);
    if (!row) return text;

    // filter/headers/cookies.py counts the same way: spans of one life each, from the end of that day.
    let limit = row[1], late = time - 86400 - since[row[2]] * 86400;
    if (late > 0) limit -= late % limit;
    if (limit >= life) return text;
    return limit * life > 0 ? rest + ";max-age=" + ~~limit : rest;
  };

  // Replaces a method, or an accessor's setter or, without one, its getter. True where it was ours already.
  let redefine = (on, name, make) => {
    let own = describe(on, name);
    if (!own) return;
    bare(own);
    let field = own.set ? "set" : own.get ? "get" : "value", native = own[field];
    if (describe(native, "guard")) return 1;
    define(own[field] = make(native), "guard", bare({ value: 1 }));
    define(on, name, own);
  };
  // Own properties only: a frame may have the name of an interface that this browser lacks.
  let proto = (w, type) => {
    let own = describe(w, type);
    return own ? own.value.prototype : bare({});
  };
  // Lets objects of a class be made with other arguments.
  let rebuild = (w, type, change) => {
    let on = proto(w, type), made;
    redefine(w, type, native => made = new Wrapper(native, bare({ construct: (native, args, by) => construct(native, change(args), by) })));
    if (made) define(on, "constructor", bare({ value: made }));
    return made;
  };

  // What a script asks for ahead of a click is held by no fence: only pages of this origin may be.
  let strange, ahead = "link[rel~=prerender i],script[type*=speculationr i]";
  let tame = node => {
    let field = "rel", far, check = (key, address) => {
      if (key == "where") far = 1;
      if (typeof address == "string") if (match(/^\d/, key)) if (cut(apply(textOf, new Address(address, apply(baseOf, node, [])), []), 0, here.length) != here) far = 1;
      if (address == "document") far = 1;
      return address;
    };
    if (apply(typeOf, node, []) != 1) return;
    if (apply(matches, node, ["iframe[srcdoc]"])) look(1);
    if (!apply(matches, node, [ahead])) return;
    strange = 1; // where it comes to stand its address may lead elsewhere
    try {
      if (apply(matches, node, ["script"])) read(apply(codeOf, node, [field = "type"]), check);
      else check("0", apply(getAttribute, node, ["href"]));
    } catch (invalid) {
      far = 1;
    }
    if (!far) return;
    apply(setAttribute, node, [field, field]);
    if (field == "type") apply(remove, node, []);
  };
  let { write, querySelectorAll: inDocument } = Document.prototype, asks = bare({ 1: inElement, 9: inDocument, 11: querySelectorAll });
  let tameAll = node => {
    tame(node);
    let ask = asks[apply(typeOf, node, [])];
    if (ask) eachNode(apply(ask, node, [ahead]), tame);
  };

  // The windows of this origin so far, and all frames: a new one is not among these.
  let windows = bare({}), size = 0, frames = new WeakSet(), members = new WeakSet(), { has, add } = frames, watchers = new WeakMap(), { get, set } = watchers;
  let isNew = (set, one) => apply(has, set, [one]) ? 0 : apply(add, set, [one]);
  let look = again => {
    for (let i = size; i--;) {
      let w = windows[i];
      if (apply(closedOf, w, [])) windows[i] = windows[--size];
      else for (let n = apply(lengthOf, w, []); n--;) if (isNew(frames, w[n]) || again) guard(w[n]);
    }
  };
  // Both are asked in time: 1.5 us an element. To be told of what comes into a document costs 10 us each time:
  // this is, while a parser is at work there.
  let watch = (root, seen) => {
    let watcher = apply(get, watchers, [root]), listen = childList => apply(observe, watcher, [root, bare({ childList, subtree: true, attributeFilter: sequence(["srcdoc", "rel", "href", "type"]) })]);
    if (!watcher) apply(set, watchers, [root, watcher = new Observer(records => {
      // A parser tells of each element, of thousands at a time: then one look at all is cheaper.
      if (records.length > 400) look(tameAll(root) || 1);
      else each(records, one => {
        tame(apply(targetOf, one, []));
        eachNode(apply(addedOf, one, []), tameAll);
      });
      seen();
      if (seen == look) listen(apply(readyOf, root, []) == "loading");
    })]);
    listen(true);
    apply(addEventListener, root, ["load", seen, true]);
  };

  // What can put a frame into a document.
  let inserters = [];
  for (let type of "Node,Element,HTMLElement,Document,DocumentFragment,ShadowRoot,CharacterData,DocumentType,Range,HTMLTableElement,HTMLSelectElement,HTMLOptionsCollection".split(",")) if (self[type]) for (let name of object.keys(self[type].prototype)) {
    if (/^(append|prepend|insert|replace|before|after|moveB|setHTML|(inn|out)erHTML|write|surround|execC|(add|body|caption|tHead|tFoot|open)$)/.test(name)) inserters.push([type, name]);
  }

  let guard = w => {
    try {
      let page = w.document, inner, on = (type, name, make) => redefine(proto(w, type), name, make);
      if (!on("Document", "cookie", native => function (text) {
        if (text = judge(`${text}`)) apply(native, this, [text]);
      })) dress(w, on);
      define(w, "callkomGuard", bare({ value: guard }));
      watch(page, look);
      if (isNew(members, w)) windows[size++] = w;
      // It comes with a window of its own: always in WebKit, elsewhere where it is set later or stands in another one.
      if (w != self) if (inner = apply(getAttribute, w.frameElement, ["srcdoc"])) if (cut(inner, 0, boot.length) != boot) apply(setAttribute, w.frameElement, ["srcdoc", boot + inner]);
    } catch (foreign) {}
    look();
  };

  // only with trackers
  let refuses = key => {
    if (typeof key != "string") return 0;
    if (!match(known, key)) note(key, stored);
    return match(keys, key);
  };
  // end
  // only without trackers
  let refuses = key => typeof key == "string" ? match(keys, key) : 0;
  // end

  // only with keys
  let veils = new WeakMap(), stores = new WeakMap(), { removeItem } = Storage.prototype, namesOf = object.keys, swept;
  let traps = bare({
    get: (store, key) => store[key],
    set: (store, key, value) => {
      if (!refuses(key)) store[key] = value;
      return true;
    },
    defineProperty: (store, key, own) => refuses(key) ? true : define(store, key, own)
  });
  let veiled = store => {
    if (!store) return store;
    let veil = apply(get, veils, [store]);
    if (!veil) {
      veil = new Wrapper(store, traps);
      apply(set, veils, [store, veil]);
      apply(set, stores, [veil, store]);
    }
    return veil;
  };
  let unveiled = veil => apply(get, stores, [veil]) || veil;
  // What was stored by an earlier answer is gone before a script sees a store, and looked for no sooner: that
  // reads all of it.
  let natives = [getter(self, "localStorage"), getter(self, "sessionStorage")];
  let sweep = () => each(natives, native => {
    try {
      let store = apply(native, self, swept = []);
      each(namesOf(store), key => match(keys, key) ? apply(removeItem, store, [key]) : 0);
    } catch (denied) {}
  });
  // end

  // A configuration of WebRTC without the servers that are refused.
  let mayServe = address => {
    try {
      address = apply(toLowerCase, apply(textOf, new Address(address), []), []);
      let name = match(/^[^:]*:(?:[^@]*@)?[/[]*([^:?\]/]*)/, address)[1], refused = match(servers[0], name);
      if (!refused) if (match(servers[1], name)) return 1;
      note(name, others ||= bare({}));
      return refused ? 0 : !servers[2];
    } catch (invalid) {}
  };
  let list = (found, use) => {
    let kept = bare({ length: 0 });
    for (let one of found) if (one = use(one)) kept[kept.length++] = one;
    return kept;
  };
  let configured = args => {
    let config = args[0], found;
    if (object(config) !== config) return args;
    if (found = config.iceServers) found = sequence(list(found, server => {
      let urls = server.urls || server.url;
      urls = list(typeof urls == "object" ? urls : sequence(bare([urls])), url => mayServe(url = `${url}`) ? url : 0);
      return urls.length ? { __proto__: server, urls: sequence(urls), url: undefined } : 0;
    }));
    return [{ __proto__: config, iceServers: found }];
  };

  // For a passkey of another domain browsers ask that host, past every policy: they refuse one without a name.
  let vouched = id => id === undefined || match(servers[1], id = `${id}`) ? id : " ";
  let relied = one => object(one) === one ? { __proto__: one, publicKey: relied(one.publicKey), rp: relied(one.rp), rpId: vouched(one.rpId), id: vouched(one.id) } : one;
  let signals = object.keys(self.PublicKeyCredential || 0).filter(name => /^sig/.test(name));
  let changed = change => native => function () {
    return apply(native, this, change(arguments));
  };

  let dress = (w, on) => {
    // Frames without an address of their own share our cookies and bring fresh setters; so do opened windows.
    each(["HTMLIFrameElement", "HTMLFrameElement", "HTMLObjectElement", "HTMLEmbedElement"], type => each(["contentWindow", "contentDocument", "getSVGDocument"], name => on(type, name, native => function () {
      let found = apply(native, this, arguments);
      if (found) guard(name == "contentWindow" ? found : apply(viewOf, found, []));
      return found;
    })));
    let behind = name => native => function () {
      // What is written as markup has to be heard of: in every document, as a parser goes on where its elements went.
      let hear = () => {
        if (strange) for (let i = size; i--;) guard(windows[i]);
      };
      strange = match(/^(open|write)/, name);
      // A document that was read opens anew for it, and forgets who listens.
      try {
        if (match(/^write/, name)) apply(write, this, []);
      } catch (other) {}
      // only with keys
      if (!swept) if (name == "open") sweep(); // a window gets a copy of what is stored
      // end
      each(arguments, one => {
        try {
          if (typeof one == "string" ? match(/[\x3c:](link|script)/i, one) : object(one) === one ? tameAll(one) : 0) strange = 1;
        } catch (other) {
          strange = 1;
        }
      });
      hear();
      let found = apply(native, this, arguments);
      hear();
      if (name == "open") if (found !== this) guard(found);
      look();
      return found;
    };
    each(inserters, one => on(one[0], one[1], behind(one[1])));
    redefine(w, "open", behind("open"));
    // No window counts the frames in a shadow tree.
    on("Element", "attachShadow", native => function () {
      let root = apply(native, this, arguments);
      watch(root, () => {
        eachNode(apply(querySelectorAll, root, ["iframe"]), frame => guard(apply(windowOf, frame, [])));
      });
      return root;
    });

    // only with keys
    // Keys written as properties pass no function: pages get a proxy of each store.
    let veil = native => function () {
      if (!swept) sweep();
      return veiled(apply(native, this, []));
    };
    redefine(w, "localStorage", veil);
    redefine(w, "sessionStorage", veil);
    on("StorageEvent", "storageArea", veil);
    rebuild(w, "StorageEvent", args => {
      let init = args[1], area = init ? init.storageArea : 0;
      return area ? [args[0], { __proto__: init, storageArea: unveiled(area) }] : args;
    });
    each(["getItem", "setItem", "removeItem", "clear", "key", "length"], name => on("Storage", name, native => function (key, value) {
      let store = unveiled(this);
      if (name != "setItem" || 2 > arguments.length) return apply(native, store, arguments);
      key = `${key}`;
      if (!refuses(key)) apply(native, store, [key, value]);
    }));
    on("IDBFactory", "open", native => function (name, version) {
      if (refuses(name = `${name}`)) throw new Failure(name, "SecurityError");
      return apply(native, this, version === undefined ? [name] : [name, version]);
    });
    // The promise fails: it is no method of windows.
    on("CacheStorage", "open", native => function (name) {
      return apply(native, refuses(name = `${name}`) ? w : this, [name]);
    });
    // end

    let connection = rebuild(w, "RTCPeerConnection", configured);
    if (connection) if (describe(w, "webkitRTCPeerConnection")) define(w, "webkitRTCPeerConnection", bare({ value: connection }));
    on("RTCPeerConnection", "setConfiguration", changed(configured));

    let relying = changed(args => [relied(args[0])]);
    each(["get", "create"], name => on("CredentialsContainer", name, relying));
    each(signals, name => redefine(proto(w, "PublicKeyCredential").constructor, name, relying));

    on("CookieStore", "set", native => function (options, value) {
      let init = bare({}), time = now(), life, text;
      if (arguments.length > 1) options = { name: options, value: value };
      if (object(options) === options) each(["name", "value", "domain", "path", "expires", "maxAge", "sameSite", "partitioned"], field => {
        let found = options[field];
        if (found !== undefined) init[field] = found === null ? found : match(/^(exp|max)/, field) ? +found : field == "partitioned" ? !!found : `${found}`;
      });
      life = init.maxAge;
      if (life === undefined) if (typeof init.expires == "number") life = (init.expires - time) / 1e3;
      text = (init.name || init.value) + "=" + (init.domain ? ";domain=" + init.domain : "");
      if (life !== undefined) text += ";max-age=" + ~~(life > 2e9 ? 2e9 : life);
      let judged = judge(text);
      if (judged != text) {
        life = match(/age=(\d+)$/, judged);
        init.expires = life ? time + life[1] * 1e3 : null;
        init.maxAge = undefined;
      }
      return judged ? apply(native, this, [init]) : done;
    });
  };

  let { sendBeacon } = navigator, to = origin + reports;
  let clear = () => {
    // only with keys
    sweep();
    // end
    // only with trackers
    try {
      indexedDB.databases().then(all => all.map(one => match(keys, one.name) ? indexedDB.deleteDatabase(one.name) : 0));
    } catch (denied) {}
    // end
  };
  let leave = () => {
    clear();
    if (30 > room) apply(sendBeacon, navigator, [to, stringify(bare({ cookies: counts, storage: stored, servers: others }))]);
    begin();
  };
  let begin = () => {
    counts = bare({});
    // only with trackers
    stored = bare({});
    // end
    others = undefined;
    room = 30;
  };

  begin();
  guard(self);
  // only with keys
  addEventListener("load", () => self.requestIdleCallback?.(clear));
  // end
  addEventListener("pagehide", leave);
})(TABLE);
