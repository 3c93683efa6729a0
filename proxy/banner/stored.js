// A service worker of the site may keep pages in Cache Storage; each was made for one answer.
//
// This takes away those that were not made for the answer that MADE_FOR names, or all where it
// names none. The panel does so before somebody answers there; a worker when it is installed,
// which it is anew after each answer (banner/stored_pages.py). Pages only: nothing else of the site's.
//
// No "less than" and no ampersand in here: the panel is well-formed. After a change run make assets.
(async made => {
  for (let name of await caches.keys()) {
    let store = await caches.open(name);
    for (let request of await store.keys()) {
      let found = await store.match(request), text;
      if (!/html/.test(found.headers.get("content-type"))) continue;
      text = await found.text();
      if (/\x3c(!doctype|html)/i.test(text)) if (!made || !text.includes(made)) await store.delete(request);
    }
  }
})(MADE_FOR).catch(() => 0)
