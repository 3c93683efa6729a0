// What pages of a site do beyond showing: answers without leaving the page, other tabs that
// follow, a link that stays when the page is rewritten by its own scripts.
//
// Without this script everything works by forms and links. It runs in <head> behind the guard;
// its script element says: data-granted the purposes granted, data-state a name for these
// grants, data-ask whether and why the page asks ("no" when it does not).
//
// No "less than" and no ampersand in here: the same bytes stand in HTML and in XHTML. It is
// shipped squeezed (filter/squeeze.py), which asks for every semicolon.
(() => {
  let page = document, script = page.currentScript, said = script.dataset, style = script.previousSibling, sheet = style ? style.href : 0;
  let room = 20, later, state = said.state, nav, typed, stale;
  let find = id => page.getElementById(id);
  let kept = Object.freeze({ granted: Object.freeze(said.granted.split(" ").filter(Boolean)), asked: said.ask });
  let channel = new BroadcastChannel("cc-consent");

  // Reloads, unless the visitor typed something: then it is theirs to say when.
  let renew = () => {
    if (!typed) return location.reload();
    fetch(new URL("state?language=" + nav.lang, nav.lastChild.href)).then(answer => answer.json()).then(words => {
      let link = nav.lastChild.cloneNode();
      nav.className += " n";
      nav.firstChild.textContent = words.stale;
      link.textContent = words.reload;
      link.onclick = () => !location.reload();
      nav.firstChild.after(link);
    }).catch(() => 0);
  };

  // Another tab was answered: this one follows once it is looked at. Until then its guard lets
  // nothing more be written by the old answer, and what was written meanwhile is taken away.
  let follow = () => {
    if (stale) if (!page.hidden) {
      stale = 0;
      renew();
    }
  };

  // only with asking
  let banner, busy, natively, low = matchMedia("(max-height:420px)");

  // The top layer is above whatever the page puts above all; it cannot be in the page's flow.
  let raise = () => {
    try {
      banner[low.matches ? "hidePopover" : "showPopover"]();
    } catch (none) {}
  };

  let close = () => {
    if (banner) {
      banner.remove();
      banner = busy = 0;
    }
  };

  addEventListener("submit", event => {
    let form = event.target, button = event.submitter, words;
    if (form.parentNode != banner || natively) return;
    event.preventDefault();
    if (busy) return;
    busy = 1;
    words = new URLSearchParams(new FormData(form));
    words.append("choice", button.value);
    fetch(new URL(form.getAttribute("action"), location.href), { method: "POST", headers: { Accept: "application/json" }, body: words }).then(answer => {
      if (!answer.ok) throw answer;
      return answer.json();
    }).then(answer => {
      close();
      if (state || answer.granted.length) {
        channel.postMessage(1);
        renew();
      } else {
        channel.postMessage(state);
        // What pages name from now on, before the next of them waits for it.
        (answer.files || []).map(file => fetch(new URL(file, location.href)).catch(() => 0));
      }
    }, () => setTimeout(() => {
      // Later: a form that is being sent ignores being sent.
      natively = 1;
      button.click();
    }));
  }, true);
  // end

  // So often a second and no more: a page that takes away what is put back would never come to rest.
  // What found no room then is put back once there is some.
  let may = () => {
    later ||= setTimeout(() => {
      room = 20;
      later = 0;
      keep();
    }, 1000);
    return room-- > 0;
  };

  // Frameworks replace bodies, old scripts rewrite documents: what is ours goes back in.
  let keep = () => {
    let link = find("cc-l");
    if (link) nav = link;
    else if (nav) if (page.body) if (may()) {
      page.body.append(nav);
      if (page.head) if (!style.isConnected) {
        if (sheet) style.href = sheet; // as it was before a <base> could lead it elsewhere
        page.head.prepend(style);
      }
    }
    // only with asking
    link = find("cc-b");
    if (link) {
      if (link != banner) {
        banner = link;
        raise();
      }
    } else if (banner) if (page.body) if (may()) {
      page.body.prepend(banner);
      raise();
    }
    // end
  };

  Object.defineProperty(window, "callkomConsent", { value: kept, enumerable: true });
  new MutationObserver(keep).observe(page, { childList: true, subtree: true });
  page.addEventListener("visibilitychange", follow);
  page.addEventListener("DOMContentLoaded", () => page.dispatchEvent(new CustomEvent("callkom:consent", { detail: kept })));
  addEventListener("input", event => {
    if (event.isTrusted) if (!event.target.closest(".cc")) typed = 1;
  }, true);
  // only with asking
  low.onchange = raise;
  // end
  channel.onmessage = event => {
    if (event.data != state) {
      said.gone = stale = 1;
      follow();
      if (nav) fetch(new URL("state", nav.lastChild.href)).catch(() => 0);
    }
    // only with asking
    else close();
    // end
  };
  // only without asking
  // A form that was answered leads here: other tabs are told. Not by any page there is, as a message
  // ends those that the browser keeps for its back button; nor by one that loads anew: two tabs
  // whose pages a service worker kept from different answers would reload each other for ever.
  for (let way of performance.getEntriesByType("navigation")) if (way.type == "navigate") if (way.redirectCount) channel.postMessage(state);
  // end
})();
