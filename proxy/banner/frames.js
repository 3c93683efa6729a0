// What a refused frame is to the page's own scripts.
//
// It stands in the page as an element that makes no window (filter/tags/tag_edits.py). A script that looks for
// it finds what it was: a frame, empty and hidden. offers.js looks at all there is, and turns none (ccLooks).
//
// No "less than" and no ampersand in here. After a change run make assets.
(page => {
  if ("ccLooks" in page) return; // page swappers run the scripts of later heads as well
  page.ccLooks = 0;

  let turned = at => {
    if (at?.localName != "noembed" || !at.dataset.consent) return at;
    let frame = page.createElement("iframe");
    for (let one of at.attributes) frame.setAttributeNode(one.cloneNode());
    at.replaceWith(at.ccFrame = frame);
    return frame;
  };

  for (let { prototype } of [Document, Element, DocumentFragment]) {
    let all = prototype.querySelectorAll;
    for (let key of ["getElementById", "getElementsByTagName", "querySelector", "querySelectorAll"]) {
      let native = prototype[key];
      if (native) prototype[key] = function (asked) {
        if (page.ccLooks) return native.call(this, asked);
        try {
          if (/iframe/i.test(asked)) all.call(this, asked.replace(/(^|[ >+~,(])iframe(?![\w-])/gi, "$1noembed")).forEach(turned);
        } catch {}
        return turned(native.apply(this, arguments));
      };
    }
  }
})(document);
