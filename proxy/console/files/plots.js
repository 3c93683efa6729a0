"use strict";

/* Plots by uPlot in the colours of the style sheet. Each figure has a legend, which names the values under the
   pointer or else those `at` a place (the last), and a text alternative; its table is the page's matter.

   drawPlot(figure, { kind: "lines" | "stack", x, label, series: [{ name, tone, values, dashed, filled }],
   write, logarithmic, at, says }); x are moments in seconds for lines, and names for a stack. */

const drawPlot = (() => {
  const drawn = new Map();  // by figure: what it shows, and its plot
  const style = getComputedStyle(document.documentElement);
  const colour = name => style.getPropertyValue(`--${name}`).trim();
  const brief = new Intl.NumberFormat("en-GB", { notation: "compact", maximumSignificantDigits: 3 });
  const WHOLE = Array.from({ length: 30 }, (_, at) => [1, 2, 5][at % 3] * 10 ** Math.floor(at / 3));  // steps of an axis of counts
  const sizes = new ResizeObserver(found => found.forEach(one => {
    const shown = drawn.get(one.target.parentNode);
    if (shown?.plot && one.contentRect.width) shown.plot.setSize(sizeOf(one.target));
  }));

  function sizeOf(canvas) {
    return { width: Math.floor(canvas.clientWidth), height: 220 };
  }

  function drawPlot(figure, told) {
    const canvas = figure.querySelector(".canvas");
    const shape = JSON.stringify([told.kind, told.series.map(one => one.name)]);
    const before = drawn.get(figure);
    const empty = !told.series.some(one => one.values.some(value => value > 0));
    const shown = { told, shape, plot: before?.shape === shape && !empty ? before.plot : null };
    drawn.set(figure, shown);
    canvas.setAttribute("aria-label", told.says);
    if (shown.plot) {
      shown.plot.setData(dataOf(told));
    } else {
      before?.plot?.destroy();
      if (empty) canvas.replaceChildren(Object.assign(document.createElement("p"), { textContent: "Nothing yet." }));
      else create(figure, canvas, shown);
    }
    sizes.observe(canvas);
    writeLegend(figure, told, null);
  }

  function create(figure, canvas, shown) {
    canvas.replaceChildren();
    shown.plot = new uPlot(options(figure, canvas, shown.told), dataOf(shown.told), canvas);
  }

  function dataOf({ kind, x, series, logarithmic }) {
    if (kind === "lines") {
      const known = value => (logarithmic && !(value > 0) ? null : value);  // no place on the axis
      return [x, ...series.map(one => one.values.map(known))];
    }
    const sums = x.map(() => 0);
    const stacked = series.map(one => one.values.map((value, at) => (sums[at] += value)));
    return [x.map((_, at) => at), ...stacked.reverse()];  // the whole first, the parts over it
  }

  function options(figure, canvas, told) {
    const axis = { stroke: colour("mute"), font: "12px system-ui, sans-serif", ticks: { show: false } };
    const grid = { stroke: colour("line"), width: 1 };
    const ordinal = told.kind === "stack";
    return {
      ...sizeOf(canvas),
      padding: [8, 8, 0, 0],
      legend: { show: false },
      cursor: { y: false, drag: { x: false, y: false }, points: { show: !ordinal } },
      scales: {
        x: ordinal ? { time: false, range: plot => [-0.6, plot.data[0].length - 0.4] } : { range: lastMinutes },
        y: told.logarithmic ? { distr: 3 } : { range: (_, least, most) => [0, Math.max(1, most * 1.08)] },
      },
      axes: [
        {
          ...axis, grid: { show: false }, space: 64, size: 28, gap: 6,
          incrs: ordinal ? [1, 2, 5, 7, 14, 28, 56] : undefined,
          values: (_, splits) => splits.map(at => nameOf(drawn.get(figure).told, at)),
        },
        { ...axis, incrs: told.logarithmic ? undefined : WHOLE, grid: told.logarithmic ? { ...grid, filter: powersOfTen } : grid, size: 46, space: 36, values: (_, splits) => splits.map(value => (value === null ? "" : brief.format(value))) },
      ],
      series: [{}, ...(ordinal ? [...told.series].reverse() : told.series).map(one => (ordinal ? bars(one) : line(one)))],
      hooks: { setCursor: [plot => writeLegend(figure, drawn.get(figure).told, plot.cursor.idx)] },
    };
  }

  function nameOf({ kind, x, label }, at) {
    if (kind === "lines") return label(at);
    return at in x ? label(x[at]) : "";
  }

  function lastMinutes({ data: [x] }) {
    return [Math.min(x[0], x.at(-1) - 600), x.at(-1)];
  }

  function powersOfTen(_, splits) {
    return splits.map(value => (Math.abs(Math.log10(value) % 1) < 1e-9 ? value : null));
  }

  function isPoint(plot) {
    return plot.data[0].length < 3;  // a line needs two ends
  }

  function line({ tone, dashed, filled }) {
    const stroke = colour(tone);
    return { stroke, width: 1.75, dash: dashed ? [3, 4] : undefined, fill: filled ? `${stroke}1f` : undefined, points: { show: isPoint } };
  }

  function bars({ tone }) {
    return { fill: colour(tone), width: 0, paths: uPlot.paths.bars({ size: [0.62, 44] }), points: { show: false } };
  }

  function writeLegend(figure, { kind, x, label, series, write, at: usual }, index) {
    const at = index ?? usual ?? x.length - 1;
    const entry = ({ name, tone, values, dashed, filled }) => {
      const item = document.createElement("li"), swatch = document.createElement("i"), value = document.createElement("b");
      swatch.className = [tone, dashed ? "dashed" : "", filled || kind === "stack" ? "filled" : ""].join(" ");
      value.textContent = values[at] == null ? "–" : write(values[at]);
      item.append(swatch, `${name} `, value);
      return item;
    };
    const moment = document.createElement("li");
    moment.className = "mute";
    moment.textContent = x.length ? label(x[at]) : "";
    figure.querySelector(".legend").replaceChildren(...series.map(entry), moment);
  }

  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    for (const [figure, shown] of drawn) {
      if (!shown.plot) continue;
      shown.plot.destroy();
      create(figure, figure.querySelector(".canvas"), shown);
    }
  });

  return drawPlot;
})();
