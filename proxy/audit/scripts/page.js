// What a page holds when it has come to rest: links, names in storage, connections it opens ahead of requests.
async () => {
  const soon = promise => Promise.race([promise, new Promise(end => setTimeout(end, 1500, []))]).catch(() => []);
  const keys = name => { try { return Object.keys(self[name]); } catch { return []; } };
  const all = (selector, read) => [...document.querySelectorAll(selector)].slice(0, 2000).map(read);
  const ahead = /^(?:preconnect|dns-prefetch|prefetch|prerender|preload|modulepreload)$/i;
  const hints = all("link[rel][href]", one => [one.rel, one.href]).filter(([rel]) => rel.split(/\s+/).some(word => ahead.test(word)));
  const rules = all('script[type="speculationrules" i]', one => one.textContent).flatMap(text => {
    try {
      const found = JSON.parse(text);
      return ["prefetch", "prerender"].flatMap(kind => (found[kind] || []).flatMap(one => (one.urls || []).map(url => [kind, new URL(url, document.baseURI).href])));
    } catch { return []; }
  });
  return {
    links: all("a[href], area[href]", one => [one.href, (one.textContent || "").trim().slice(0, 200), one.hasAttribute("download")]),
    local: keys("localStorage"), session: keys("sessionStorage"),
    databases: self.indexedDB && indexedDB.databases ? (await soon(indexedDB.databases())).map(one => one.name) : [],
    caches: self.caches ? await soon(caches.keys()) : [],
    ahead: [...hints, ...rules].slice(0, 500),
  };
}
