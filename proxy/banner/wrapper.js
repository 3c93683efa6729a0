// In a frame of ours that shows a form: tells the page around it how high it is.
(page => {
  new ResizeObserver(() => parent.postMessage({ ccHeight: Math.ceil(page.getBoundingClientRect().height) }, "*")).observe(page);
})(document.documentElement);
