// Tells the pixels of Meta and TikTok what was agreed to: once, and before any call that the page makes of them.
// No queue of ours can stand there before: Meta's snippet would not start beside one, and a page that looks
// whether there is a pixel would find one. So each name is watched until its snippet has made it.
((words) => {
  const pixels = {
    // A function that keeps calls in its queue, which the snippet gives it a moment later.
    fbq: [
      (made) => typeof made == "function" ? made.queue || made.callMethod : false,
      (made, word) => made("consent", word),
    ],
    // A list of calls, until its script puts itself in its place.
    ttq: [
      (made) => Array.isArray(made) || made[words.ttq],
      (made, word) => Array.isArray(made) ? made.push([word]) : made[word](),
    ],
  };
  for (const name in words) {
    const [takes, tell] = pixels[name];
    let made, told;
    const once = (value) => {
      if (told || !value || !takes(value)) return;
      told = true;
      if (value == made) {
        Object.defineProperty(window, name, { value, writable: true, configurable: true, enumerable: true });
      }
      tell(value, words[name]);
    };
    Object.defineProperty(window, name, {
      configurable: true,
      get() { once(made); return made; },
      set(value) { made = value; once(value); },
    });
    // `function fbq() {}` in a script of the page has taken the place of what watches
    addEventListener("DOMContentLoaded", () => once(window[name]));
  }
})(WORDS);
