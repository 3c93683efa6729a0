// Measures one button: its size, its words, their colour and the one behind them as they are drawn.
button => {
  const parse = text => {
    const canvas = Object.assign(document.createElement("canvas"), { width: 1, height: 1 }), pen = canvas.getContext("2d");
    pen.fillStyle = text; pen.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = pen.getImageData(0, 0, 1, 1).data;
    return [r, g, b, a / 255];
  };
  const over = ([r, g, b, a], [R, G, B]) => [r * a + R * (1 - a), g * a + G * (1 - a), b * a + B * (1 - a), 1];
  const behind = one => {
    const layers = [];
    for (let at = one; at; at = at.parentElement || (at.getRootNode().host ?? null)) layers.push(parse(getComputedStyle(at).backgroundColor));
    return layers.reverse().reduce((below, layer) => over(layer, below), [255, 255, 255, 1]);
  };
  const hex = ([r, g, b]) => "#" + [r, g, b].map(v => Math.round(v).toString(16).padStart(2, "0")).join("");
  const style = getComputedStyle(button), box = button.getBoundingClientRect(), ground = behind(button);
  const words = over(parse(style.color), ground);
  return {
    words: (button.innerText || button.value || button.getAttribute("aria-label") || "").trim().slice(0, 100),
    width: Math.round(box.width), height: Math.round(box.height),
    font: Math.round(parseFloat(style.fontSize) * 10) / 10, weight: style.fontWeight,
    ink: hex(words), ground: hex(ground),
    visible: box.bottom <= innerHeight && box.top >= 0 && box.width > 0,
  };
}
