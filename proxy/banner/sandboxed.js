// In a frame of ours that is sandboxed without an origin: cookies and storage throw there, and providers'
// libraries expect them; here they are, empty, and end with the frame.
//
// No "less than" and no ampersand in here. After a change run make assets.
(() => {
  Object.defineProperty(document, "cookie", { get: () => "", set: () => {} });
  ["localStorage", "sessionStorage"].forEach(store => {
    let kept = {};
    Object.defineProperty(window, store, { value: {
      getItem: key => key in kept ? kept[key] : null,
      setItem: (key, text) => {
        kept[key] = "" + text;
      },
      removeItem: key => {
        delete kept[key];
      },
      clear: () => {
        kept = {};
      },
      key: () => null,
      length: 0
    } });
  });
})();
