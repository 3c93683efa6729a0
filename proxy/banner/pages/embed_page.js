// In a frame of ours that shows a form: tells the page around it how high it is, and says so where
// the provider's script cannot be reached.
(page => {
  new ResizeObserver(() => parent.postMessage({ ccHeight: Math.ceil(page.getBoundingClientRect().height) }, "*")).observe(page);
  addEventListener("error", event => {
    if (event.target.localName == "script") page.querySelector("[hidden]").hidden = false;
  }, true);
})(document.documentElement);
