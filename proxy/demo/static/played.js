// The providers of the demo, played by the demo itself: nothing of it needs a network.
//
// It knows nothing of consent. A script of a provider that the browser fetched in vain is played here;
// a frame of a provider shows a page of ours in place of theirs. What is not let in fetches nothing,
// fails at nothing, and is not played.
(() => {
  let french = document.documentElement.lang == "fr", say = (english, other) => french ? other : english;
  let pages = {
    "youtube-nocookie.com": ["YouTube", say("Here the film would play.", "Le film se jouerait ici.")],
    "player.vimeo.com": ["Vimeo", say("Here the film would play.", "Le film se jouerait ici.")],
    "google.com": ["Google Maps", say("Here the map would be: 12 rue de la Paix, Paris.", "La carte serait ici : 12 rue de la Paix, Paris.")],
    "openstreetmap.org": ["OpenStreetMap", say("Here the map would be: 3 place Bellecour, Lyon.", "La carte serait ici : 3 place Bellecour, Lyon.")],
    "calendly.com": ["Calendly", say("Here one would choose an hour.", "On choisirait une heure ici.")],
    "hubspot.com": ["HubSpot", say("Here one would choose an hour with a specialist.", "On choisirait une heure avec un spécialiste ici.")],
    "platform.twitter.com": ["X", say("Here the post would be.", "La publication serait ici.")],
    "instagram.com": ["Instagram", say("Here the post would be.", "La publication serait ici.")],
    "facebook.com": ["Facebook", say("Share", "Partager")],
    "googletagmanager.com": ["", ""],
  };
  let within = (host, name) => host == name || host.endsWith("." + name);
  let of = (list, address) => {
    let url = new URL(address || "about:blank", location), name = /^https?:$/.test(url.protocol) && Object.keys(list).find(each => within(url.hostname, each));
    return name ? list[name] : null;
  };

  let show = frame => {
    let address = frame.getAttribute("src"), page = of(pages, address);
    if (!page || frame.dataset.played == address) return;
    frame.dataset.played = address;
    frame.srcdoc = `<!doctype html><html lang="${say("en", "fr")}"><meta charset="utf-8"><title>${page[0]}</title>
<style>:root{color-scheme:light dark}html,body{height:100%;margin:0}body{display:grid;place-content:center;gap:4px;text-align:center;padding:0 12px;box-sizing:border-box;font:15px/1.4 system-ui,sans-serif;background:light-dark(#e6f0ee,#1d2b2a);color:light-dark(#16202b,#e8edf2)}</style>
<b>${page[0]}</b> <span>${page[1]}</span>`;
  };

  let framed = (title, src, style) => Object.assign(document.createElement("iframe"), { title, src, style });
  let each = (selector, run) => document.querySelectorAll(selector).forEach(run);
  let stored = (name, days) => document.cookie = `${name}=played; path=/; max-age=${days * 86400}`;
  let posts = (selector, title, address) => each(selector, post => post.replaceWith(framed(title, address, "width:100%;height:220px;border:0")));
  let wait = run => document.readyState == "loading" ? addEventListener("DOMContentLoaded", run) : run();
  let scripts = {
    "googletagmanager.com": () => stored("_ga_CALLKOM001", 390),
    "hs-scripts.com": () => ["__hstc", "__hssc", "__hssrc"].forEach(name => stored(name, name == "__hstc" ? 180 : 1)),
    "hsforms.net": () => {
      $forms
    },
    "hsappstatic.net": () => wait(() => each(".meetings-iframe-container[data-src]", box => box.childElementCount || box.append(framed("HubSpot", box.dataset.src, "width:100%;height:320px;border:0")))),
    "calendly.com": () => {
      window.Calendly = { initPopupWidget: asked => {
        let dialog = document.body.appendChild(document.createElement("dialog")), close = document.createElement("button");
        close.textContent = say("Close", "Fermer");
        close.onclick = () => dialog.remove();
        dialog.append(framed("Calendly", asked.url, "width:min(480px,80vw);height:320px;border:0;display:block"), close);
        dialog.showModal();
      } };
      wait(() => each(".calendly-inline-widget[data-url]", box => box.childElementCount || box.append(framed("Calendly", box.dataset.url, "width:100%;height:100%;border:0"))));
    },
    "platform.twitter.com": () => wait(() => posts("blockquote.twitter-tweet", "X", "https://platform.twitter.com/embed/Tweet.html")),
    "instagram.com": () => wait(() => posts("blockquote.instagram-media", "Instagram", "https://www.instagram.com/p/C9callkom01/embed/")),
    "js.stripe.com": () => window.Stripe = () => ({}),
  };

  addEventListener("error", event => event.target.localName == "script" ? of(scripts, event.target.src)?.() : 0, true);
  // What a view that was allowed once shows is a frame in a frame of the site.
  let inside = (frame, tries = 100) => setTimeout(() => {
    try {
      frame.contentDocument.querySelectorAll("iframe").forEach(show);
    } catch {}
    if (frame.isConnected && tries) inside(frame, tries - 1);
  }, 100);
  addEventListener("submit", event => {
    if (!of({ "hsforms.com": 1 }, event.target.action)) return;
    event.preventDefault();
    event.target.textContent = say("Thank you. The demo sent nothing.", "Merci. La démonstration n'a rien envoyé.");
  });
  new MutationObserver(changes => changes.forEach(change => {
    if (change.type == "attributes") return show(change.target);
    change.addedNodes.forEach(node => {
      if (node.localName == "iframe") node.hasAttribute("data-cc-frame") ? inside(node) : show(node);
      else if (node.querySelectorAll) node.querySelectorAll("iframe").forEach(show);
    });
  })).observe(document, { childList: true, subtree: true, attributes: true, attributeFilter: ["src"] });
})();
