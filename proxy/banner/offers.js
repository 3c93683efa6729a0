// Offers for what refused providers would have shown, wherever and whenever it appears: ways on
// of a placeholder that need script ("Show it once" puts a frame of ours in its place, "Always"
// answers without leaving the page), and placeholders for what comes while the page lives.
// Only a person grants: both send a form into a frame when somebody presses them, and the browser
// says that somebody did. What a script presses leads nowhere.
//
// page_head.py says where we are and which elements may want an offer (box_selectors.py).
//
// No "less than" and no ampersand in here. After a change run make assets.
((path, boxes) => {
  if (document.ccOffers) return; // page swappers run the scripts of later heads as well
  let page = document, roots = [page], offers = new Map(), texts = new Map(), waiting = new WeakSet(), tries = new WeakMap(), stopped = [], shown = [], wait = 50, strange = 1, due, sheet;
  let head = page.querySelector("script[data-state]"), style = head ? head.previousSibling : 0;

  let each = (selector, run) => roots.map(root => root.querySelectorAll(selector).forEach(run));
  // A lazy loader's frame leads where that will send it, a picture of a player where its stopped link does.
  let linked = at => at.srcdoc ? Array.from(new DOMParser().parseFromString(at.srcdoc, "text/html").links, link => link.href).find(to => stopped.some(from => to.startsWith(from))) : 0;
  let ownAddress = at => (at.src || at.data || "").replace(/^(about|data):.*/, "") || at.dataset.src || linked(at);
  // A box leads where the first frame in it does: a framework may put that in at once or later.
  let within = at => Array.from(at.querySelectorAll("*|iframe,object,embed"), ownAddress).find(to => to);
  let addressOf = at => ownAddress(at) || within(at) || "";
  let hide = element => element.style.setProperty("display", "none", "important");

  // Inside a link the parser takes the ways out of their box: they work alone, then.
  let holder = way => way.closest(".ph") || way;

  // Named before it stands in the page: Chromium finds it by no other name, and opens a window.
  let newFrame = () => {
    let frame = page.createElement("iframe");
    frame.name = "cc-" + Math.random();
    return frame;
  };

  // Sends the form into a frame that is part of the page already.
  let send = (frame, way, choice, more) => {
    let form = page.createElement("form");
    form.method = "post";
    form.action = path + "choice";
    form.target = frame.name;
    form.hidden = true;
    [["choice", choice], ["provider", way.dataset.ccProvider], ["language", way.closest("[lang]").lang], ...more].map(([name, value]) => {
      let field = form.appendChild(page.createElement("input"));
      field.name = name;
      field.value = value;
    });
    page.documentElement.append(form);
    form.submit();
    form.remove();
  };

  let show = (box, way) => {
    let frame = newFrame(), look = getComputedStyle(box), words = way.dataset;
    if (/^quote/.test(words.ccOnce)) hide(box.nextElementSibling);
    shown.push(frame);
    frame.title = box.querySelector("b")?.textContent || "";
    frame.dataset.ccFrame = "";
    frame.allowFullscreen = true;
    frame.style.cssText = ["all:initial", "display:block", "border:0", "position:" + look.position, "inset:" + look.inset, "width:100%", "max-width:" + look.maxWidth, "margin:" + look.margin, "height:" + box.offsetHeight + "px", ""].join("!important;");
    box.after(frame);
    send(frame, way, "once", [["embed", words.ccOnce]]);
    box.remove();
    frame.focus();
  };

  // A post names itself by its last link to its network, which stands behind its offer.
  let named = way => {
    if (way.dataset.ccOnce != "quote") return;
    let box = holder(way), to = Array.from(box.nextElementSibling.querySelectorAll("a[href^='https:']")).filter(to => /^https:\/\/(\w+\.)?(x|twitter|instagram)\.com\//.test(to.href)).pop(), open = box.querySelector("a[target]");
    if (!to) return way.remove();
    way.dataset.ccOnce = "quote " + to.href;
    if (open) open.href = to.href;
  };

  let clicked = event => {
    let from = event.from || event.composedPath()[0], way = from.closest ? from.closest("[data-cc-once],[data-cc-always]") : 0, frame;
    if (!way || event.defaultPrevented) return;
    // Page swappers would fetch where it leads: they do not hear of it.
    if (!event.from) event.stopImmediatePropagation(event.preventDefault());
    if (!event.isTrusted) return;
    named(way); // in a part of the page that came later nobody has looked yet
    if (way.dataset.ccOnce) return show(holder(way), way);
    // What comes back tells every tab, and one whose state is another one follows, this one first: it
    // keeps what somebody typed. Where nothing comes back, the next press leads to the panel.
    if (way.ariaBusy) return location.href = path;
    way.ariaBusy = true;
    frame = newFrame();
    frame.hidden = true;
    page.documentElement.append(frame);
    send(frame, way, "placeholder", way.dataset.ccAlways.split(" ").map(purpose => ["purpose", purpose]));
  };

  let found = at => {
    try {
      return at.nodeType ? at : page.querySelector(at);
    } catch {}
  };

  // In a shadow root our style does not reach: the root is given it, before its own.
  let dress = root => {
    if (root == page) return;
    try {
      if (!sheet) {
        sheet = new CSSStyleSheet();
        sheet.replaceSync(Array.from(style.sheet.cssRules, rule => rule.cssText).join(""));
      }
      if (!root.adoptedStyleSheets.includes(sheet)) root.adoptedStyleSheets = [sheet].concat(Array.from(root.adoptedStyleSheets));
    } catch {
      root.prepend(style.cloneNode(true));
    }
  };

  // What a script would have put into a box stands there, too; once, whoever asked for it.
  let place = card => {
    let at = found(card.dataset.ccAt);
    if (at) if (!at.contains(card)) at.querySelector(".ph") ? card.remove() : at.append(card);
  };

  let settle = root => {
    if (root.querySelector(".ph")) dress(root);
    root.querySelectorAll(".ph").forEach(card => {
      let at = card.nextElementSibling;
      if (at) if (at.matches("[data-consent][hidden]")) if (!offers.has(card)) offers.set(card, [at, "beforebegin", addressOf(at)]);
    });
    root.querySelectorAll(".ph[data-cc-at]").forEach(place);
    // Equal cards have equal names: each button opens its own.
    root.querySelectorAll(".ph [popovertarget]").forEach(way => {
      way.popoverTargetElement = way.nextElementSibling;
    });
    root.querySelectorAll("[data-cc-once]").forEach(named);
  };

  // What the page cannot do by its headers, as our script in its head says, and the policies in itself.
  let limits = asked => {
    let said = page.querySelector("script[data-without]"), policy = Array.from(page.querySelectorAll("meta[http-equiv='content-security-policy' i]"), meta => meta.content).join();
    if (said) asked.without = said.dataset.without;
    // too long for an address: as if it refused all
    if (policy) asked.policy = policy[3e3] ? "default-src" : policy;
  };

  // Inside a link the parser leaves ways without a card.
  let isOurs = element => element ? element.matches(".ph,[data-cc-frame],[data-cc-once],[data-cc-always]") : 0;
  let has = (at, where) => where == "beforebegin" ? isOurs(at.previousElementSibling) : Array.from(at.children).some(isOurs);

  // The offer for what would have been shown, beside or inside that element: one, and as often as it comes.
  let offer = (asked, at, where, done) => {
    if (waiting.has(at) || has(at, where)) return;
    asked.language = page.documentElement.lang;
    limits(asked);
    let key = "" + new URLSearchParams(asked);
    if (!texts.has(key)) texts.set(key, fetch(path + "offer?" + key).then(answer => answer.ok ? answer.text() : ""));
    waiting.add(at);
    return texts.get(key).catch(() => { texts.delete(key); }).then(text => {
      let often = -~tries.get(at), card;
      waiting.delete(at);
      // A page that takes away what is put back would never come to rest.
      if (!text || often > 20 || !at.isConnected || has(at, where)) return;
      tries.set(at, often);
      // Whole addresses: those of the page may lead elsewhere by its <base>.
      at.insertAdjacentHTML(where, text.split("=\"" + new URL(path).pathname).join("=\"" + path));
      card = where == "beforebegin" ? at.previousElementSibling : where == "beforeend" ? at.lastElementChild : at.firstElementChild;
      offers.set(card, [at, where, addressOf(at)]);
      settle(at.getRootNode());
      if (done) done(card);
    });
  };

  // What the rules need to know of an element, and nothing of what is in it: as a start tag, written
  // where nothing loads or runs.
  let tag = (at, to) => {
    let copy = page.implementation.createHTMLDocument("").createElement(at.localName.replace("noembed", "iframe"));
    Array.from(at.attributes).map(one => {
      let name = one.name.replace("data-consent-", "");
      if (!one.value[1e3]) if (/^(?!on|srcdoc|hidden|data-consent)[\w:-]+$/.test(name)) copy.setAttribute(name, one.value);
    });
    if (to) copy.setAttribute("src", to);
    return copy.outerHTML;
  };

  // Our stand-ins say so when the site's own code calls a provider's.
  let called = event => {
    let [asked, to] = event.detail, at = found(to || 0), inside, room;
    if (!at) return;
    inside = !at.matches("script");
    // Some hide the box until a frame has come into it, and look again and again. It keeps the card's place.
    if (!at.querySelector("iframe,.ph")) {
      room = page.createElement("iframe");
      room.style.cssText = "all:initial;display:block;visibility:hidden;width:1px;height:172px;margin:16px 0";
      inside ? at.append(room) : at.before(room);
    }
    if (asked.address) asked = { tag: tag(page.createElement("iframe"), asked.address) };
    Promise.resolve(offer(asked, at, inside ? "beforeend" : "beforebegin", card => setTimeout(() => {
      if (inside) if (getComputedStyle(at).display == "none") at.before(card);
    }, 1000))).then(() => {
      if (room) inside ? hide(room) : room.remove();
    });
  };

  // A frame stays where it is, hidden, since frameworks look for what they made.
  let box = at => {
    let before = at.matches("iframe,noembed,object,embed,blockquote"), where = before ? "beforebegin" : "afterbegin", frame = before ? addressOf(at) : 0, around;
    if (frame) {
      if (at.offsetParent) if (2 > at.clientHeight) return; // nobody would have seen it
      around = at.parentNode.closest ? at.parentNode.closest(boxes) : 0;
      if (around) if (waiting.has(around) || around.querySelector(".ph")) return hide(at);
    }
    if (!has(at, where)) offer({ tag: tag(at, linked(at) || within(at)) }, at, where, card => {
      if (!frame) return;
      if (at.offsetHeight) card.style.setProperty("min-height", at.offsetHeight + "px", "important");
      hide(at);
    });
  };

  // An offer goes with what it stands for: frameworks take away and change what they made, not ours.
  let follow = () => offers.forEach((stands, card) => {
    let at = stands[0] = stands[0].ccFrame || stands[0], moved = stands[1] == "beforebegin" ? card.nextElementSibling != at : 0, other = addressOf(at) != stands[2];
    if (card.isConnected) if (!moved) if (!other) return;
    offers.delete(card);
    if (!card.isConnected) if (at.isConnected) return;
    card.remove();
    at.style.removeProperty("display");
    if (other) if (at.dataset.consent) at.hidden = false;
  });

  let look = () => {
    let began = performance.now(page.ccLooks = 1);
    if (strange) walk(strange = 0);
    follow();
    roots = roots.filter(root => root == page || root.host.isConnected);
    each(boxes, box);
    // Browsers name the whole address or, since pages may not read where frames go, its origin.
    if (stopped[0]) each("iframe,object,embed", frame => {
      let to = addressOf(frame);
      if (to.startsWith("https:")) if (stopped.some(from => to.startsWith(from))) box(frame);
    });
    // A large page that never rests is looked at for a thirtieth of the time.
    wait = Math.max(50, 30 * (performance.now() - began));
    due = page.ccLooks = 0;
    roots.map(observe);
  };

  // Not at every change: once for all there were meanwhile, which nobody needs to hear of.
  let later = () => {
    due ||= setTimeout(look, wait);
    observer.disconnect();
  };

  // Texts bring nothing.
  let observer = new MutationObserver(changes => {
    if (changes.some(change => change.attributeName || [...change.addedNodes, ...change.removedNodes].some(node => node.localName))) later();
  });
  let observe = root => observer.observe(root, { childList: true, subtree: true, attributeFilter: ["src", "data"] });
  let join = root => {
    if (roots.includes(root)) return;
    roots.push(root);
    root.addEventListener("click", clicked, true); // of a closed one no event tells more outside
    settle(root);
    later();
  };
  let walk = () => {
    for (let root of roots) root.querySelectorAll("*").forEach(element => element.shadowRoot ? join(element.shadowRoot) : 0);
  };

  let attach = Element.prototype.attachShadow;
  Element.prototype.attachShadow = function () {
    let root = attach.apply(this, arguments);
    join(root);
    return root;
  };

  // Frames that the fence stopped stay empty; boxes whose script it stopped, too.
  let blocked = event => {
    if (event.effectiveDirective == "form-action") if (event.blockedURI == path + "choice") location.href = path;
    if (!/^(frame|object|script)-/.test(event.effectiveDirective)) return;
    if (!stopped.includes(event.blockedURI)) if (event.blockedURI.startsWith("https:")) stopped.push(event.blockedURI);
    later(strange = 1);
  };

  page.ccOffers = true;

  // While the page is still read: before it is painted, so that nothing shifts.
  let early = new MutationObserver(() => page.querySelectorAll(".ph[data-cc-at]").forEach(place));

  let begin = () => {
    early.disconnect();
    settle(page);
    later();
  };

  // Pages that ask bring this script late (ahead.js).
  if (page.readyState == "loading") {
    page.addEventListener("DOMContentLoaded", begin);
    early.observe(page, { childList: true, subtree: true });
  } else begin();

  addEventListener("click", clicked, true);
  page.addEventListener("cc-offer", called);
  page.addEventListener("securitypolicyviolation", blocked);
  page.addEventListener("cc-early", event => ({ click: clicked, "cc-offer": called }[event.detail.type] || blocked)(event.detail));

  addEventListener("message", event => {
    let high = Object(event.data).ccHeight;
    if (high > 0) shown.concat(Array.from(page.querySelectorAll("iframe[data-cc-frame]"))).map(frame => {
      if (frame.contentWindow == event.source) frame.style.setProperty("height", Math.min(high, 5000) + "px", "important");
    });
  });
})(PATH, BOXES);
