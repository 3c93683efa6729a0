// Stand-ins for what refused providers would have defined, so that a site's own calls of it break
// nothing and nobody waits for ever. policy/stand_ins.py says which names, and what they reply.
//
// No "less than" and no ampersand in here. After a change run make assets.

// for all
// Swallows every use of these names, calls back whoever waits, and measures nothing.
((hosts, objects, functions, queues, ready, replies) => {
  let isFunction = word => typeof word == "function";

  // As late as a provider's script would: the code that is running now goes on first.
  let soon = (word, given, self) => isFunction(word) ? setTimeout(() => word.apply(self, given)) : 0;

  // Who waits for the provider itself may need the whole page.
  let start = (word, self) => document.readyState == "loading" ? addEventListener("DOMContentLoaded", () => word.call(self, self)) : soon(word, [self], self);

  // Calls back whom this call lets wait. Returns its reply: a kind and constants, or nothing.
  let call = (path, words, self) => {
    let names = path.split("."), root = names[0], inner = names.length > 1, any = root + "..", last = names.pop();
    let reply = replies[path] || replies[path + " " + words[0]] || replies[any + last] || replies[any + names.pop() + "." + last];
    words.map((word, at) => {
      if (isFunction(word)) {
        if (reply) reply[0] == 1 ? soon(word, reply.slice(1)) : 0;
        else if (at) /allback$/.test(words[at - 1]) ? soon(word, []) : 0;
        else inner ? 0 : start(word, self);
      } else if (word) if (typeof word == "object") Object.keys(word).map(key => {
        if (/allback$/.test(key)) soon(word[key], []);
        if (key == "loaded") soon(word[key], [window[root]]);
      });
    });
    return reply;
  };

  // What a call returns may be awaited: `given` is what it resolves with, or else the stand-in.
  let make = (path, own, given) => {
    let promise = given ? Promise.resolve(given.length ? given[0] : make(path)) : 0;
    let self = new Proxy(own || function () {}, {
      has: () => true,
      get: (own, key) => {
        if (key in own) return own[key];
        if (typeof key == "symbol") return () => key == Symbol.iterator ? [].values() : "";
        if (key == "toJSON") return () => "";
        if (key in Promise.prototype) return promise ? promise[key].bind(promise) : undefined;
        return own[key] = make(path + "." + key);
      },
      apply: (own, receiver, words) => {
        let reply = call(path, words, self), work = words.find(isFunction);
        if (!reply) return make(path, 0, []);
        if (reply[0] > 1) return work ? work(make(path), make(path)) : make(path);
        return reply[0] ? make(path, 0, reply.slice(1)) : reply[1];
      },
      construct: () => make(path)
    });
    return self;
  };

  objects.concat(functions).map(name => {
    let alias = name.split("="), names = alias.pop().split("."), last = names.pop(), at = names.reduce((at, name) => at[name] = at[name] || {}, window);
    if (!(last in at)) at[last] = make(alias[0] || last, objects.includes(name) ? {} : 0);
  });

  // Whatever array a page gives that name is listened to.
  queues.concat(ready).map((name, index) => {
    let list, self = make(name);

    let add = one => {
      if (one) call(name, isFunction(one) ? [one] : one.length >= 0 ? Array.from(one) : [one], self);
    };

    let take = value => {
      if (value == list) return;
      list = value;
      if (isFunction(value)) start(value, self);
      if (!Array.isArray(value)) return;
      let push = value.push, hide;
      Object.defineProperties(value, {
        push: { configurable: true, writable: true, value: function () {
          Array.from(arguments).map(add);
          return push.apply(value, arguments);
        } },
        // The tag manager's page hiding waits for its container to say so.
        hide: { configurable: true, get: () => hide, set: given => {
          hide = given;
          soon(Object(given).end);
        } }
      });
      value.map(add);
    };

    take(window[name] || (queues[index] ? [] : undefined));
    Object.defineProperty(window, name, { configurable: true, enumerable: true, get: () => list, set: take });
    // A function declared under that name took its place.
    addEventListener("load", () => take(window[name]));
  });

  // Whoever waits for a script of theirs goes on with the stand-in.
  let isTheirs = element => /^(script|img)$/.test(element.localName) ? hosts.some(host => ("." + new URL(element.src || location).hostname).endsWith("." + host)) : 0;
  let arrived = element => element.dispatchEvent(new Event("load"));
  addEventListener("error", event => {
    if (!isTheirs(event.target)) return;
    event.stopImmediatePropagation();
    arrived(event.target);
  }, true);
  addEventListener("DOMContentLoaded", () => document.querySelectorAll("script[data-consent]").forEach(script => isTheirs(script) ? arrived(script) : 0));
})(TABLE);
// end
// for calendly
((go, show) => {
  Calendly.initInlineWidget = to => show({ address: to.url }, to.parentElement);
  Calendly.initPopupWidget = to => go(to.url);
  Calendly.showPopupWidget = go;
})(url => open(url, "_blank", "noopener"), (embed, at) => document.dispatchEvent(new CustomEvent("cc-offer", { detail: [embed, at] })));
// end
// for hubspot-forms
// hbspt.forms.create: what it would have shown is offered in its place.
hbspt.forms.create = to => {
  if (to) if (to.formId) document.dispatchEvent(new CustomEvent("cc-offer", { detail: [{ embed: ["form", to.region || "na1", to.portalId, to.formId].join(" ") }, to.target || document.currentScript] }));
  return hbspt.forms.form;
};
// end
// for players
// The real ones put a frame in that place.
((youtube, vimeo) => {
  let player = (api, address) => function (at, to) {
    let place = typeof at == "string" ? document.getElementById(at) : at, page = address(Object(to));
    if (place) if (page) if (!/iframe|noembed/.test(place.localName)) document.dispatchEvent(new CustomEvent("cc-offer", { detail: [{ address: page }, place] }));
    return api.player;
  };
  if (youtube) youtube.Player = player(youtube, to => to.videoId ? (to.host || "https://www.youtube.com") + "/embed/" + to.videoId : 0);
  if (vimeo) vimeo.Player = player(vimeo, to => /[0-9]/.test(to.id || to.url) ? "https://player.vimeo.com/video/" + /[0-9]+/.exec(to.id || to.url) : 0);
})(window.YT, window.Vimeo);
// end
