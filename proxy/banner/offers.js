// The ways on of a placeholder that need script: "Show it once" puts a frame of ours in its place,
// "Always" answers without leaving the page. Where anything fails, the links still lead on.
//
// No "less than" and no ampersand in here. After a change run make assets.
(path => {
  let page = document, seen = new WeakSet();

  // Inside a link the parser takes the ways out of their box: they work alone, then.
  let holder = way => way.closest(".ph") || way;

  let post = (way, choice, more) => {
    let words = new URLSearchParams(more);
    words.append("choice", choice);
    words.append("provider", way.dataset.ccProvider);
    words.append("language", way.closest("[lang]").lang);
    way.setAttribute("aria-busy", true);
    return fetch(path + "choice", { method: "POST", headers: { Accept: "application/json" }, body: words }).then(answer => {
      if (!answer.ok) throw answer;
      return answer.json();
    });
  };

  let show = (box, address, post) => {
    let frame = page.createElement("iframe"), look = getComputedStyle(box);
    if (post) hide(box.nextElementSibling);
    frame.src = address;
    frame.title = (box.querySelector("[aria-label]") || box).getAttribute("aria-label") || "";
    frame.dataset.ccFrame = "";
    frame.allowFullscreen = true;
    frame.style.cssText = ["all:initial", "display:block", "border:0", "position:" + look.position, "inset:" + look.inset, "width:100%", "max-width:" + look.maxWidth, "margin:" + look.margin, "height:" + box.offsetHeight + "px", ""].join("!important;");
    box.replaceWith(frame);
    frame.focus();
  };

  let hide = element => element.style.setProperty("display", "none", "important");

  // A post names itself by its last link, which stands behind its offer.
  let named = way => {
    if (way.dataset.ccOnce != "quote") return;
    let box = holder(way), to = Array.from(box.nextElementSibling.querySelectorAll("a[href^='https:']")).pop(), open = box.querySelector("a[target]");
    if (!to) return way.remove();
    way.dataset.ccOnce = "quote " + to.href;
    if (open) open.href = to.href;
  };

  addEventListener("click", event => {
    let way = event.target.closest("[data-cc-once],[data-cc-always]"), words, failed;
    if (!way) return;
    event.preventDefault();
    if (way.hasAttribute("aria-busy")) return;
    named(way); // in a part of the page that came later nobody has looked yet
    words = way.dataset;
    failed = () => {
      location.href = path;
    };
    if (words.ccOnce) post(way, "once", { embed: words.ccOnce }).then(answer => show(holder(way), answer.frame, words.ccOnce.startsWith("quote"))).catch(failed);
    // Any tab whose state is another one follows, this one first: it keeps what somebody typed.
    else post(way, "placeholder", words.ccAlways.split(" ").map(purpose => ["purpose", purpose])).then(() => new BroadcastChannel("cc-consent").postMessage("always")).catch(failed);
  });

  let found = at => {
    try {
      return at.nodeType ? at : page.querySelector(at);
    } catch (none) {}
  };

  let settle = () => {
    // What a script would have put into a box stands there, too; once, whoever asked for it.
    page.querySelectorAll(".ph[data-cc-at]").forEach(box => {
      let at = found(box.dataset.ccAt);
      if (at) if (!at.contains(box)) at.querySelector(".ph") ? box.remove() : at.append(box);
    });
    // Equal cards have equal names: each button opens its own.
    page.querySelectorAll(".ph [popovertarget]").forEach(way => {
      way.popoverTargetElement = way.nextElementSibling;
    });
    page.querySelectorAll("[data-cc-once]").forEach(named);
  };

  // Pages that ask bring this script late (ahead.js).
  if (page.readyState == "loading") page.addEventListener("DOMContentLoaded", settle);
  else settle();

  // What the page cannot do by its headers, as our script in its head says, and the policies in itself.
  let limits = asked => {
    let said = page.querySelector("script[data-without]"), policy = Array.from(page.querySelectorAll("meta[http-equiv='content-security-policy' i]"), meta => meta.content).join();
    if (said) asked.without = said.dataset.without;
    // too long for an address: as if it refused all
    if (policy) asked.policy = policy[3e3] ? "default-src" : policy;
  };

  // The offer for what a script of the site wants to show, beside or inside that element.
  let offer = (asked, at, where, done) => {
    if (seen.has(at)) return;
    seen.add(at);
    asked.language = page.documentElement.lang;
    limits(asked);
    fetch(path + "offer?" + new URLSearchParams(asked)).then(answer => answer.text()).then(text => {
      // Whole addresses: those of the page may lead elsewhere by its <base>.
      if (text) at.insertAdjacentHTML(where, text.split("=\"" + new URL(path).pathname).join("=\"" + path));
      if (text) if (done) done();
    }).catch(() => {});
  };

  // Our stand-ins say so when the site's own code calls a provider's.
  let called = event => {
    let at = found(event.detail[1] || 0);
    if (at) if (!at.querySelector(".ph")) offer(event.detail[0], at, at.localName == "script" ? "beforebegin" : "beforeend");
  };

  // A frame that a script of the site made stays empty under the fence: its offer stands before it.
  // The frame itself stays where it is, hidden, since frameworks look for what they made.
  // Where a script stays away, so does what it would have made of the boxes it looks for.
  let blocked = event => {
    let from = event.blockedURI, kind = event.effectiveDirective;
    if (/^(frame|object)-/.test(kind)) page.querySelectorAll("iframe,object,embed").forEach(frame => {
      let to = frame.src || frame.data || "";
      // Browsers name the whole address or, since pages may not read where frames go, its origin.
      if (!to.startsWith("https:") || !to.startsWith(from)) return;
      if (frame.offsetParent) if (2 > frame.clientHeight) return; // nobody would have seen it
      offer({ address: to.split("#")[0] }, frame, "beforebegin", () => {
        frame.previousElementSibling.style.setProperty("min-height", frame.offsetHeight + "px", "important");
        hide(frame);
      });
    });
    if (/^script-/.test(kind)) page.querySelectorAll(".calendly-inline-widget[data-url],.meetings-iframe-container[data-src]").forEach(box => offer({ address: box.dataset.url || box.dataset.src }, box, "afterbegin"));
  };

  page.addEventListener("cc-offer", called);
  page.addEventListener("securitypolicyviolation", blocked);
  page.addEventListener("cc-early", event => (event.detail.type == "cc-offer" ? called : blocked)(event.detail));

  addEventListener("message", event => {
    let high = Object(event.data).ccHeight;
    if (high > 0) page.querySelectorAll("iframe[data-cc-frame]").forEach(frame => {
      if (frame.contentWindow == event.source) frame.style.setProperty("height", Math.min(high, 5000) + "px", "important");
    });
  });
})(PATH);
