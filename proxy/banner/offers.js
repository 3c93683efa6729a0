// The ways on of a placeholder that need script: "Show it once" puts a frame of ours in its place,
// "Always" answers without leaving the page. Where anything fails, the links still lead on.
//
// No "less than" and no ampersand in here; a semicolon behind every statement.
(path => {
  let page = document;

  let post = (way, choice, more) => {
    let words = new URLSearchParams(more);
    words.append("choice", choice);
    words.append("provider", way.dataset.ccProvider);
    words.append("language", way.closest(".ph").lang);
    way.setAttribute("aria-busy", true);
    return fetch(path + "choice", { method: "POST", headers: { Accept: "application/json" }, body: words }).then(answer => {
      if (!answer.ok) throw answer;
      return answer.json();
    });
  };

  let show = (box, address) => {
    let frame = page.createElement("iframe"), look = getComputedStyle(box);
    frame.src = address;
    frame.title = box.getAttribute("aria-label");
    frame.dataset.ccFrame = "";
    frame.allowFullscreen = true;
    frame.style.cssText = ["all:initial", "display:block", "border:0", "width:100%", "max-width:" + look.maxWidth, "margin:" + look.margin, "height:" + box.offsetHeight + "px", ""].join("!important;");
    box.replaceWith(frame);
    frame.focus();
  };

  addEventListener("click", event => {
    let way = event.target.closest(".ph [data-cc-once],.ph [data-cc-always]"), words, failed;
    if (!way) return;
    event.preventDefault();
    if (way.hasAttribute("aria-busy")) return;
    words = way.dataset;
    failed = () => {
      location.href = path;
    };
    if (words.ccOnce) post(way, "once", { embed: words.ccOnce }).then(answer => show(way.closest(".ph"), answer.frame)).catch(failed);
    // Any tab whose state is another one follows, this one first: it keeps what somebody typed.
    else post(way, "placeholder", words.ccAlways.split(" ").map(purpose => ["purpose", purpose])).then(() => new BroadcastChannel("cc-consent").postMessage("always")).catch(failed);
  });

  // A frame that a script of the site made stays empty under the fence: its offer stands before it.
  // The frame itself stays where it is, hidden, since frameworks look for what they made.
  page.addEventListener("securitypolicyviolation", event => {
    let from = event.blockedURI;
    if (event.effectiveDirective == "frame-src") page.querySelectorAll("iframe").forEach(frame => {
      // Browsers name the whole address or, since pages may not read where frames go, its origin.
      if (!frame.src.startsWith("https:") || !frame.src.startsWith(from) || frame.dataset.ccKept) return;
      frame.dataset.ccKept = 1;
      fetch(path + "offer?" + new URLSearchParams({ address: frame.src.split("#")[0], language: page.documentElement.lang })).then(answer => answer.text()).then(offer => {
        if (!offer) return;
        frame.insertAdjacentHTML("beforebegin", offer);
        frame.style.setProperty("display", "none", "important");
      }).catch(() => {});
    });
  });

  addEventListener("message", event => {
    let high = Object(event.data).ccHeight;
    if (high > 0) page.querySelectorAll("iframe[data-cc-frame]").forEach(frame => {
      if (frame.contentWindow == event.source) frame.style.setProperty("height", Math.min(high, 5000) + "px", "important");
    });
  });
})(PATH);
