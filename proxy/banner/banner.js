// What pages of a site do beyond showing: answers without leaving the page, other tabs that
// follow, a link that stays when the page is rewritten by its own scripts.
//
// Without this script everything works by forms and links. It runs in <head> behind the guard;
// its script element says: data-granted the purposes granted, data-state a name for these
// grants, data-ask whether and why the page asks ("no" when it does not).
//
// No "less than" and no ampersand in here: the same bytes stand in HTML and in XHTML. After a
// change run make assets: pages carry what esbuild made of this file.
(() => {
  let page = document, script = page.currentScript, dataset = script.dataset, style = script.previousSibling;
  let times = 0, state = dataset.state, way = performance.getEntriesByType("navigation")[0], nav, typed, link, seen;
  let kept = Object.freeze({ granted: Object.freeze(dataset.granted.match(/\S+/g) || []), asked: dataset.ask });
  let channel = new (window.BroadcastChannel || Object)("cc-consent"); // older Safaris have none: forms are sent as without script

  // Page swappers run the scripts of later heads as well: the first goes on, and looks whether it still may.
  if (window.callkomConsent) return channel.postMessage?.(state);

  // Asks what holds now; a page made for something else reloads once it is looked at, unless the
  // visitor typed something: then it is theirs to say when. Until then its guard lets nothing more
  // be written by the old answer, and the response takes away what was written meanwhile.
  let look = () => {
    if (nav) fetch(new URL("state?language=" + nav.lang, nav.lastChild)).then(response => response.json()).then(now => {
      // only with asking
      if (now.ask == "no") close();
      // end
      if (now.state != state) return renew(now);
      delete dataset.gone;
      // only without asking
      if (now.ask != "no" ? stray || dataset.ask == "no" : stray ? state : 0) renew(now);
      stray = 0;
      // end
    }).catch(() => {
      // only with asking
      if (busy) close(typed || location.reload()); // it was answered, and no connection is let through
      // end
    });
  };

  let renew = now => {
    dataset.gone = 1;
    if (page.hidden || link) return;
    // Where a page that has just loaded anew is still of another answer, a worker of the site keeps it.
    if (!typed) if (back || performance.now() > 4e3 || way?.type != "reload") return location.reload();
    link = nav.lastChild.cloneNode();
    say(now.stale);
    link.textContent = now.reload;
    link.onclick = () => !location.reload();
    nav.firstChild.after(link);
  };

  // Only what changes is read out. In sight for a while, then at the foot of the page.
  let say = text => {
    nav.className = "cc m n";
    setTimeout(() => nav.firstChild.textContent = text + " ", 99);
    setTimeout(() => link || (nav.className = "cc m"), 1e4);
  };

  let back; // by the back button, from what the browser kept
  // only without asking
  let stray, sheet = style?.href, led = way?.type == "reload" ? 1 : way?.redirectCount; // stray: a banner was swapped in
  // end
  // only with asking
  let banner, busy, pressed, closed, low = matchMedia("(max-height:420px)");

  // The top layer is above whatever the page puts above all; it cannot be in the page's flow.
  let raise = () => {
    try {
      banner[low.matches ? "hidePopover" : "showPopover"]();
    } catch {}
  };

  // For good: page swappers bring back what they remember of earlier pages.
  let close = () => keep(closed = 1, times = 0);

  // Only a person grants: then the form itself is sent, into a frame that nobody sees, so that the browser
  // says who pressed the button. What it leads to tells all tabs, this one too, which keeps its place and
  // what was typed. A script may refuse: that closes at once. Where the page's policy lets neither through,
  // the form is sent as without script; where nothing comes back, the next press is.
  addEventListener("submit", event => {
    let form = event.target, button = event.submitter, grants, sent;
    if (form.parentNode != banner) return;
    event.stopImmediatePropagation();
    form.action = new URL(form.getAttribute("action"), location); // a <base> may lead elsewhere
    sent = new URLSearchParams(new FormData(form, button));
    grants = /=accept|purpose.*=save/.test(sent);
    if (grants) if (button != pressed) return event.preventDefault();
    if (busy || !channel.name) return form.target = "";
    if (grants) {
      busy = page.createElement("iframe");
      busy.hidden = busy.name = form.target = "cc-b";
      form.after(busy);
      return busy.onload = () => busy.contentDocument || button.click();
    }
    event.preventDefault();
    close();
    fetch(form.action, { method: "POST", keepalive: 1, headers: { Accept: "application/json" }, body: sent }).then(response => response.json()).then(receipt => {
      channel.postMessage(receipt.state);
      // What pages name from now on, before the next of them waits for it.
      if (receipt.state == state) say(receipt.saved), receipt.files.map(file => fetch(new URL(file, location)).catch(() => 0));
      else renew(receipt);
    }).catch(() => {
      keep(banner = form.parentNode, closed = 0, busy = 1);
      // Later: a form that is being sent ignores being sent.
      if (!typed) setTimeout(() => button.click());
    });
  }, 1);
  // end

  // Before anything is painted, once the page's own style is there: light on a light page, dark on a dark
  // one, whatever the visitor prefers. Where the theme follows, our second rule is the dark one.
  // Of a colour its green counts, or its lightness; what is seen through is none.
  let suit = () => {
    let { media } = style.sheet?.cssRules[1] || 0, { backgroundColor, color } = getComputedStyle(page.body);
    let light = css => css.match(/[^a]\((?:\d+, |\D\S+ \S+ |)([\d.]+)[^/]*$/)?.[1] / ({ r: 255, l: 100 }[css[0]] || 1), back = light(backgroundColor), dark = .5 > (back >= 0 ? back : 1 - light(color));
    // Written, it styles all of the page anew.
    if (media) if (dark != matchMedia(media.mediaText).matches) media.mediaText = dark ? "all" : "not all";
  };

  // Page swappers would fetch where our links lead, and send our forms themselves: they hear of neither.
  addEventListener("click", event => {
    let at = event.target;
    // only with asking
    if (event.isTrusted) pressed = at;
    // end
    if (at.closest?.("#cc-b,#cc-l")) event.stopImmediatePropagation();
  }, 1);

  // Frameworks replace bodies, old scripts rewrite documents: what is ours goes back in, the link
  // to the end. It stands directly in the body, so deeper changes are nobody's business.
  // So often a second and no more: a page that takes away what is put back would never come to rest.
  let keep = () => {
    let body = page.body;
    if (!times++) setTimeout(() => {
      let missed = times > 20;
      times = 0;
      if (missed) keep();
    }, 1000);
    if (times > 20) return;
    [page, page.documentElement, page.head, body].map(at => at ? watch.observe(at, { childList: 1 }) : 0);
    if (!body) return;
    seen ||= requestAnimationFrame(suit);
    nav = page.querySelector("#cc-l") || nav;
    if (nav) if (body.lastElementChild != nav) body.append(nav);
    // only without asking
    if (!style.isConnected) style.href = sheet; // as it was before a <base> could lead it elsewhere
    // end
    style.isConnected || page.head?.prepend(style);
    // only with asking
    banner = page.querySelector("#cc-b") || banner;
    if (closed) banner = banner?.remove();
    if (banner) {
      if (banner.parentNode != body) body.prepend(banner);
      raise();
    }
    // end
    // only without asking
    // A page that asks was swapped in, from a memory of earlier days or because an answer is gone.
    page.querySelector("#cc-b")?.remove(look(stray = 1));
    // end
  };

  // Parsers go on filling a body that a framework took away meanwhile.
  let watch = new MutationObserver(changes => {
    changes.map(change => nav ||= change.target.querySelector("#cc-l"));
    keep();
  });

  Object.defineProperty(window, "callkomConsent", { value: kept });
  keep();
  page.addEventListener("visibilitychange", () => page.hidden || look());
  // Kept for the back button, or fetched ahead, it heard of no answer given meanwhile.
  addEventListener("pageshow", event => {
    back = event.persisted;
    // only without asking
    if (back || way?.deliveryType) hear(event);
    // end
    // only with asking
    // Nor did one made before a refusal was there, though the banner had closed and somebody went on.
    if (back) hear(event);
    if (page.referrer.includes(location.host)) look();
    // end
  });
  page.addEventListener("DOMContentLoaded", () => {
    keep(page.dispatchEvent(new CustomEvent("callkom:consent", { detail: kept })));
    // only without asking
    // Once: where the answer itself led here. Pages say it for some seconds, as without script none knows.
    if (nav?.className[4]) {
      if (!way || led) say(nav.firstChild.textContent);
      else nav.className = "cc m", nav.firstChild.textContent = "";
    }
    // end
  });
  addEventListener("input", event => {
    if (event.isTrusted) typed ||= !event.target.closest(".cc");
  }, 1);
  // only with asking
  low.onchange = raise;
  // end
  let hear = channel.onmessage = event => {
    // only without asking
    if (event.data != state)
    // end
    dataset.gone = 1;
    look();
  };
  // only without asking
  // A form that was answered leads here: other tabs are told. Not by any page there is, as a message
  // ends those that the browser keeps for its back button; nor by one that loads anew: two tabs
  // whose pages a service worker kept from different answers would reload each other for ever.
  if (led) {
    if (way.type == "navigate") channel.postMessage?.(state);
    // htmx keeps bodies of earlier pages; it fetches those that it misses.
    for (let store of ["sessionStorage", "localStorage"]) try {
      window[store].removeItem("htmx-history-cache");
    } catch {}
  }
  // end
})();
