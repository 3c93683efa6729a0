// Finds a button by its words in what lies over the page, and counts what is switched on there.
([pattern, box]) => {
  const words = new RegExp(pattern, "i"), buttons = [], boxes = [];
  const walk = root => root.querySelectorAll("*").forEach(one => {
    if (one.matches("button, [role=button], input[type=button], input[type=submit], a:not([href]), a[href^='#'], a[href^='javascript:']")) buttons.push(one);
    if (one.matches("input[type=checkbox], [role=switch], [role=checkbox]")) boxes.push(one);
    if (one.shadowRoot) walk(one.shadowRoot);
  });
  const over = one => {
    for (let at = one; at; at = at.parentElement || at.getRootNode().host)
      if (at.matches(`${box}, dialog, [role=dialog], [role=alertdialog]`) || getComputedStyle(at).position === "fixed") return true;
    return false;
  };
  const shown = one => one.getClientRects().length && (!one.checkVisibility || one.checkVisibility({ visibilityProperty: true })) && over(one);
  const label = one => (one.innerText || one.value || one.getAttribute("aria-label") || "").trim();
  walk(document);
  const button = buttons.find(one => label(one).length < 60 && words.test(label(one)) && shown(one));
  const on = boxes.filter(one => !one.disabled && (one.checked ?? one.getAttribute("aria-checked") === "true") && (shown(one) || one.labels?.[0] && shown(one.labels[0])));
  return button ? { button, words: label(button), on: on.length } : null;
}
