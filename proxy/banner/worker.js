// The first lines of a service worker of the site, before its own.
//
// What is asked of our addresses passes by it: a form that a worker sends on no longer says that a
// person pressed the button, and would grant nothing. Guard and style are files like any other: a site
// that works offline keeps them with its pages.
//
// A page, frame or worker that it makes itself (new Response), or takes from another host, comes
// without fence, guard and link: it gets them here. What came through the proxy has them. Its cookies
// obey the rows of rules.yaml as those of pages do (guard.js). Routes that answer out of a cache, past
// it, are not offered to it.
//
//   path     of our addresses
//   fence    the Content-Security-Policy of this answer
//   page     [before, behind]: what is put around the bytes of a page it makes
//   frame    what is put before those of a page in a frame
//   rows     [pattern of "name;domain", life, ...]: life 0 refused, -1 for the session, else the most seconds
//   keep     1 where undeclared cookies are kept
//
// No "less than" and no ampersand in here. After a change run make assets.
((path, fence, page, frame, rows, keep) => {
  if (self.callkomGuard) return;
  let { apply, construct, getOwnPropertyDescriptor: describe, defineProperty: define, setPrototypeOf } = Reflect;
  define(self, "callkomGuard", { value: 1 });
  let bare = object => (setPrototypeOf(object, null), object);
  let getter = (on, name) => describe(on.prototype, name).get;
  let read = (get, object) => apply(get, object, []);
  let { respondWith } = FetchEvent.prototype, send = fetch, PageResponse = Response, Fields = Headers, Stream = ReadableStream;
  let { get, append, delete: drop } = Fields.prototype, { exec } = RegExp.prototype, { startsWith, includes } = "";
  let { getReader } = Stream.prototype, { read: next } = ReadableStreamDefaultReader.prototype, { now } = Date;
  let { enqueue, close } = ReadableStreamDefaultController.prototype, { encode } = TextEncoder.prototype, coder = new TextEncoder();
  let { subarray } = Uint8Array.prototype, Address = URL, refuse = message => new TypeError(message);
  let requestOf = getter(FetchEvent, "request"), modeOf = getter(Request, "mode"), methodOf = getter(Request, "method"), destinationOf = getter(Request, "destination"), urlOf = getter(Request, "url");
  let typeOf = getter(PageResponse, "type"), statusOf = getter(PageResponse, "status"), wordsOf = getter(PageResponse, "statusText"), fieldsOf = getter(PageResponse, "headers"), bodyOf = getter(PageResponse, "body"), fromOf = getter(PageResponse, "url");
  let pathOf = getter(Address, "pathname"), originOf = getter(Address, "origin"), here = location.origin;
  let match = (pattern, text) => apply(exec, pattern, [text]);
  let starts = (text, start) => apply(startsWith, text, [start]);

  let isOwn = asked => {
    let address = new Address(asked, location), name = read(pathOf, address);
    return read(originOf, address) == here ? starts(name, path) ? !starts(name, path + "page.") : false : false;
  };

  let around = (body, before, behind) => {
    let reader = apply(getReader, body, []), first = 1, add = (out, text) => apply(enqueue, out, [apply(encode, coder, [text])]);
    return construct(Stream, [bare({
      start: out => add(out, before),
      pull: async out => {
        let { done, value } = await apply(next, reader, []);
        if (!done) {
          if (first) if (value[0] == 239) if (value[1] == 187) value = apply(subarray, value, [3]);
          first = 0;
          return apply(enqueue, out, [value]);
        }
        add(out, behind);
        apply(close, out, []);
      }
    })]);
  };

  // What a browser would open or run as it is, without having come through the proxy.
  let fenced = (found, destination) => {
    let type = read(typeOf, found), status = read(statusOf, found), body = read(bodyOf, found), fields = new Fields(read(fieldsOf, found)), kind;
    if (match(/^(error|opaque)/, type)) return found;
    if (status > 299) if (400 > status) return found;
    if (type == "basic") if (starts(read(fromOf, found), here + "/")) return found;
    if (fence) apply(append, fields, ["Content-Security-Policy", fence]);
    apply(drop, fields, ["Content-Encoding"]);
    apply(drop, fields, ["Content-Length"]);
    kind = apply(get, fields, ["Content-Type"]);
    if (body) if (match(/^\s*text\/html/i, kind || "")) {
      let top = destination == "document";
      body = around(body, top ? page[0] : frame, top ? page[1] : "");
    }
    return construct(PageResponse, [body, bare({ status, statusText: read(wordsOf, found), headers: fields })]);
  };

  // Its own handler may have asked already: that is refused, since the browser asks, too.
  self.fetch = (asked, how) => isOwn(asked.url || asked) ? Promise.reject(refuse("not by a worker")) : send(asked, how);
  FetchEvent.prototype.respondWith = function (response) {
    let asked = read(requestOf, this), destination = read(destinationOf, asked);
    if (isOwn(read(urlOf, asked))) (async () => await response)().catch(() => 0);
    else if (answered ? read(modeOf, asked) == "navigate" ? read(methodOf, asked) == "GET" : 0 : 0) apply(respondWith, this, [send(asked).catch(async () => fenced(await response, destination))]);
    else if (read(modeOf, asked) == "navigate" || match(/^(shared)?worker$/, destination)) apply(respondWith, this, [(async () => fenced(await response, destination))()]);
    else apply(respondWith, this, [response]);
  };
  // Once somebody has answered, these lines and the pages it keeps are of the answer before, until the next
  // worker is installed: pages come from the network, where there is one. A worker without a listener gets none.
  let answered, watched, listen = self.addEventListener;
  self.addEventListener = (type, ...more) => {
    if (type == "fetch") if (!watched) {
      watched = 1;
      apply(listen, self, [type, event => {
        let asked = read(requestOf, event);
        if (read(methodOf, asked) != "POST" || read(pathOf, new Address(read(urlOf, asked))) != path + "choice") return;
        answered = 1;
        event.waitUntil(new Promise(done => setTimeout(done, 500)).then(() => registration.update()).catch(() => 0));
      }]);
    }
    return apply(listen, self, [type, ...more]);
  };
  if (self.InstallEvent) delete InstallEvent.prototype.addRoutes;

  let store = self.CookieStore ? CookieStore.prototype : 0, set = store.set;
  if (set) store.set = async function (options, value) {
    let init = bare({}), time = now(), life, row, name;
    if (arguments.length > 1) options = { name: options, value: value };
    for (let field of ["name", "value", "domain", "path", "expires", "maxAge", "sameSite", "partitioned"]) if (options[field] !== undefined) init[field] = options[field];
    for (let field of ["name", "value", "domain"]) if (init[field]) init[field] = `${init[field]}`;
    life = init.maxAge === undefined ? init.expires == null ? NaN : (init.expires - time) / 1e3 : +init.maxAge;
    if (!(0 >= life)) {
      name = match(/^\s*([^=;]*)/, init.name || init.value || "")[1];
      for (let one of rows) if (!row) if (match(one[0], name + ";" + (init.domain || location.hostname))) row = one;
      if (row ? !row[1] : !keep) return;
      if (row) if (row[1] > 0 ? life > row[1] : life > 0) {
        init.maxAge = undefined;
        init.expires = row[1] > 0 ? time + row[1] * 1e3 : null;
      }
    }
    return apply(set, this, [init]);
  };
})(TABLE);
