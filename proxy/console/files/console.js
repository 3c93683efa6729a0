"use strict";

/* The console's page: reads /console/data every ten seconds while somebody looks, and says what it finds.
   Names come from visitors' browsers and from foreign sites: they reach the page as text nodes only. */

const EVERY = 10_000, PATIENCE = 8_000;
const DOES = { hold: "held", replace: "replaced", remove: "removed", drop: "dropped", cap: "shortened", answer: "answered by us" };
const MODES = { enforce: "enforce", observe: "observe: nothing is changed", off: "off: nothing is done" };
const ANSWERS = { accept: "Accept all", refuse: "Refuse all", save: "Own choice", withdraw: "Withdrawn", placeholder: "One provider allowed", once: "Loaded once" };

const count = new Intl.NumberFormat("en-GB").format;
const decimals = new Intl.NumberFormat("en-GB", { maximumSignificantDigits: 3 }).format;
const percent = new Intl.NumberFormat("en-GB", { style: "percent" }).format;
const format = options => (formatter => seconds => formatter.format(seconds * 1000))(new Intl.DateTimeFormat("en-GB", options));
const clock = format({ timeStyle: "short" });
const exactly = format({ hour: "2-digit", minute: "2-digit", second: "2-digit", timeZoneName: "short" });
const moment = format({ dateStyle: "medium", timeStyle: "short" });
const dayOf = text => new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", timeZone: "UTC" }).format(new Date(text));
const languages = new Intl.DisplayNames("en-GB", { type: "language" });
const milliseconds = value => `${decimals(value)} ms`;
const things = (number, one, several = `${one}s`) => `${count(number)} ${number === 1 ? one : several}`;
const sum = (rows, name) => rows.reduce((total, row) => total + row[name], 0);
const by = id => document.getElementById(id);

function element(name, ...children) {
  const made = document.createElement(name);
  made.append(...children);
  return made;
}

function marked(className, name, ...children) {
  return Object.assign(element(name, ...children), { className });
}

function groups(rows, name) {
  const found = new Map();
  for (const row of rows) found.set(row[name], [...(found.get(row[name]) ?? []), row]);
  return found;
}

/* Change what is there only where it differs: a selection, and a screen reader's place, outlive a refresh. */
function put(place, ...children) {
  const fresh = element("div", ...children);
  if (fresh.innerHTML !== place.innerHTML) place.replaceChildren(...fresh.childNodes);
}

function write(place, text) {
  if (place.textContent !== text) place.textContent = text;
  if (place.getAttribute("role") !== "status") place.hidden = !text;
}

function putRows(table, rows) {
  const cell = (content, column) => {
    const made = element(column ? "td" : "th", ...[content].flat());
    if (column) made.dataset.label = table.tHead.rows[0].cells[column].textContent;
    else made.scope = "row";
    if (/^[\d,.]+( %|%| ms| s| MB)?$|^–$/.test(made.textContent) && column) made.className = "number";
    return made;
  };
  put(table.tBodies[0], ...rows.map(cells => element("tr", ...cells.map(cell))));
  const first = table.tBodies[0].rows[0];
  for (const head of table.tHead.rows[0].cells) {
    head.className = first?.cells[head.cellIndex]?.className ?? "";
  }
}

function putTerms(list, terms) {
  put(list, ...terms.filter(([, value]) => value).flatMap(([term, value]) => [element("dt", term), element("dd", value)]));
}

/* What is not well, most urgent first. */
let inLineBefore = 0;
function problems({ store, rules, sites, workers, certificate_days: days, in_line: inLine, alerts }) {
  const found = [];
  if (!store.ok) {
    found.push(`The store of proofs (${store.name ?? "its name is not known"}) cannot be written${store.why ? `: ${store.why}` : ""}. Until it can, nobody can accept; `
      + `${things(store.waiting, "refusal waits", "refusals wait")} in memory.`);
  }
  if (store.lost) found.push(`${things(store.lost, "refusal", "refusals")} could never be written to the store of proofs.`);
  if (!workers.length) found.push("No worker runs.");
  for (const { pid, ready } of workers) if (!ready) found.push(`Worker ${pid ?? "(not started)"} takes no visitors.`);
  for (const site of sites) {
    for (const one of site.upstreams) if (!one.up) found.push(`The upstream ${one.address} of ${site.name} is down.`);
  }
  if (Math.min(inLine, inLineBefore)) found.push(`${things(inLine, "request is", "requests are")} in line for a connection to an upstream, and were 10 seconds ago.`);
  inLineBefore = inLine;
  if (days !== null && 14 > days) found.push(0 > days ? "The certificate has ended: browsers refuse this site." : `The certificate ends ${days ? `in ${things(days, "day", "days")}` : "today"}; what renews it has failed.`);
  if (alerts?.waiting) found.push(`${things(alerts.waiting, "alert waits", "alerts wait")} for the receiver in alerts.url, which has not taken them yet.`);
  if (alerts?.given_up) found.push(`${things(alerts.given_up, "alert was", "alerts were")} given up within a week: the receiver in alerts.url did not take them for a day.`);
  if (rules.refused) {
    const [first, ...more] = rules.refused.problems;
    found.push(`The last reload was refused, so version ${rules.version ?? "not known"} stays in force: ${first ?? "no reason was given"}`
      + (more.length ? ` (and ${more.length} more)` : ""));
  }
  return found;
}

function showState(data) {
  const found = problems(data);
  const line = found.length ? `${found.length === 1 ? "One thing needs" : `${count(found.length)} things need`} attention.` : "Everything works.";
  by("state").className = found.length ? "ill" : "well";
  write(by("all"), line);
  put(by("problems"), ...found.map(text => element("li", text)));
  document.title = found.length ? `(${found.length}) Console` : "Console";
  write(by("updated"), `As of ${exactly(data.at)}, read again every 10 seconds while this page is in sight. Signed in until ${clock(data.session_ends)}.`);
  write(by("who"), data.name);
  write(by("version"), `consent-proxy ${data.version}, build ${data.build}`);
}

/* The minutes that are wanted, of those that are known. */
function wanted(minutes) {
  const form = by("hours"), known = minutes.at.length;
  form.hidden = known <= 60;
  const last = list => list.slice(-60 * form.hours.value);
  const times = ({ p50, p95 }) => ({ p50: last(p50), p95: last(p95) });
  return {
    at: last(minutes.at), requests: last(minutes.requests), documents: last(minutes.documents), failed: last(minutes.failed),
    upstream_ms: times(minutes.upstream_ms), own_ms: times(minutes.own_ms),
  };
}

/* A table of a day's minutes is written only while it is open. */
function putMinutes(figure, rows) {
  const details = figure.querySelector("details");
  const fill = () => details.open && putRows(details.querySelector("table"), rows());
  details.ontoggle = fill;
  fill();
}

function showTraffic({ totals, minutes, since }) {
  const entry = ([term, value]) => element("div", element("dt", term), element("dd", count(value)));
  put(by("totals"), ...[
    ["Requests", totals.requests], ["Documents", totals.documents], ["Failed", totals.failed], ["Own addresses", totals.own],
  ].map(entry));
  write(by("since"), since ? `Since ${moment(since)}` : "");
  const { at, requests, documents, failed } = minutes;
  const most = Math.max(0, ...requests);
  drawPlot(by("traffic"), {
    kind: "lines", x: at, label: clock, write: count,
    says: `Traffic of ${things(at.length, "minute")}: at most ${things(most, "request")} a minute, ${things(requests.at(-1) ?? 0, "request")} in the last, ${count(failed.reduce((a, b) => a + b, 0))} failed in all. The table below has every minute.`,
    series: [
      { name: "Requests", tone: "blue", values: requests, filled: true },
      { name: "Documents", tone: "teal", values: documents },
      { name: "Failed", tone: "red", values: failed, dashed: true },
    ],
  });
  putMinutes(by("traffic"), () => at.map((when, i) => [clock(when), count(requests[i]), count(documents[i]), count(failed[i])]).reverse());
}

function showLatency({ at, upstream_ms: upstream, own_ms: own }) {
  const values = [upstream.p50, upstream.p95, own.p50, own.p95];
  const last = values.map(list => list.at(-1)).map(value => (value == null ? "not known" : milliseconds(value)));
  drawPlot(by("latency"), {
    kind: "lines", x: at, label: clock, write: milliseconds, logarithmic: true,
    says: `Latency of ${things(at.length, "minute")}; in the last: upstream p50 ${last[0]}, p95 ${last[1]}, ours p50 ${last[2]}, p95 ${last[3]}. The table below has every minute.`,
    series: [
      { name: "Upstream p50", tone: "blue", values: values[0] },
      { name: "Upstream p95", tone: "blue", values: values[1], dashed: true },
      { name: "Ours p50", tone: "amber", values: values[2] },
      { name: "Ours p95", tone: "amber", values: values[3], dashed: true },
    ],
  });
  const known = value => (value == null ? "–" : decimals(value));
  putMinutes(by("latency"), () => at.map((when, i) => [clock(when), ...values.map(list => known(list[i]))]).reverse());
}

function showVerdicts(verdicts) {
  const rows = [...groups(verdicts, "provider")].map(([provider, found]) => ({ provider, found, total: sum(found, "count") }));
  rows.sort((a, b) => b.total - a.total);
  const most = rows[0]?.total ?? 1;
  putRows(by("verdicts"), rows.map(({ provider, found, total }) => {
    const bar = marked("bar", "span");
    bar.style.width = `${(100 * total) / most}%`;
    return [provider, [count(total), bar], done(found)];
  }));
  by("verdicts").hidden = !rows.length;
  by("no-verdicts").hidden = rows.length > 0;
}

/* "5,151 tags held, 221 cookies dropped" */
function done(verdicts) {
  const kinds = new Map();
  for (const { what, does, count: number } of verdicts) {
    const [before] = kinds.get(`${what} ${does}`) ?? [0];
    kinds.set(`${what} ${does}`, [before + number, what, DOES[does] ?? does]);
  }
  const found = [...kinds.values()].sort(([a], [b]) => b - a);
  return found.map(([number, what, word]) => `${things(number, what)} ${word}`).join(", ");
}

function showConsent({ consent, purposes }) {
  const known = consent !== null && purposes !== null;
  by("no-consent").hidden = known;
  by("consent-choice").hidden = by("consent").hidden = !known;
  if (!known) return;
  const form = by("consent-choice"), sites = [...groups([...consent, ...purposes], "site").keys()].sort();
  const chosen = form.site.value;
  put(form.site, new Option("All", ""), ...sites.map(site => new Option(site, site)));
  form.site.value = sites.includes(chosen) ? chosen : "";
  by("consent-sites").hidden = sites.length < 2;
  const kept = rows => rows.filter(row => !form.site.value || row.site === form.site.value);
  const what = form.by.value;
  showConsentBy(what, [...groups(kept(what === "purpose" ? purposes : consent), what)]);
}

function showConsentBy(what, found) {
  const parts = what === "purpose"
    ? [["granted", "Granted", "teal"], ["refused", "Refused", "grey"]]
    : [["accepted", "Accepted", "teal"], ["custom", "Own choice", "blue"], ["refused", "Refused", "grey"]];
  const label = what === "day" ? dayOf : what === "language" ? languageOf : name => name;
  found.sort(what === "day" ? ([a], [b]) => (a < b ? -1 : 1) : ([, a], [, b]) => whole(b) - whole(a));
  function whole(rows) {
    return parts.reduce((total, [name]) => total + sum(rows, name), 0);
  }
  const share = rows => (whole(rows) ? percent(sum(rows, parts[0][0]) / whole(rows)) : "–");
  const totals = parts.map(([name, word]) => `${word.toLowerCase()} ${count(found.reduce((all, [, rows]) => all + sum(rows, name), 0))}`);
  drawPlot(by("consent"), {
    kind: "stack", x: found.map(([key]) => key), label, write: count, at: what === "day" ? undefined : 0,
    says: `Choices by ${what}: ${totals.join(", ")}. The table below has every ${what}.`,
    series: parts.map(([name, word, tone]) => ({ name: word, tone, values: found.map(([, rows]) => sum(rows, name)) })),
  });
  const rest = what === "purpose" ? [] : [["withdrawn", "Withdrawn"], ["shown", "Shown"]];
  const columns = [...parts, ...rest];
  const table = by("consent").querySelector("table");
  const head = text => Object.assign(element("th", text), { scope: "col" });
  const words = [what[0].toUpperCase() + what.slice(1), ...columns.map(([, word]) => word)];
  words.splice(2, 0, "Share");
  put(table.caption, `Consent by ${what}`);
  if (table.tHead.textContent !== words.join("")) table.tHead.replaceChildren(element("tr", ...words.map(head)));
  const rows = found.map(([key, of]) => {
    const cells = [label(key), ...columns.map(([name]) => count(sum(of, name)))];
    cells.splice(2, 0, share(of));
    return cells;
  });
  putRows(table, what === "day" ? rows.reverse() : rows);
}

function languageOf(code) {
  try {
    return languages.of(code);
  } catch {
    return code || "not known";
  }
}

function showFound(found) {
  if (found === null) {
    by("found").replaceChildren();
    return write(by("found-text"), "The store of proofs tells nothing of them at present.");
  }
  const kept = new Map([...by("found").children].map(item => [item.dataset.key, item]));
  const blocks = [...groups(found.map(one => ({ ...one, key: `${one.site}\n${one.block}` })), "key")];
  const items = blocks.map(([key, names]) => kept.get(key) ?? foundItem(key, names[0].block));
  items.forEach((item, i) => fillFound(item, blocks[i][1]));
  if (items.some((item, i) => by("found").children[i] !== item) || items.length !== kept.size) by("found").replaceChildren(...items);
  write(by("found-text"), found.length
    ? "Names that no rule speaks of. Each block goes into rules.yaml once its purposes have been looked at; what is a guess says TODO."
    : "Nothing. Every name that was seen is in the rules.");
}

function foundItem(key, block) {
  const button = marked("copy", "button", "Copy the block");
  const text = element("pre", block);
  button.type = "button";
  button.addEventListener("click", () => copy(text));
  const item = element("li", element("details", element("summary"), element("ul"), text, button));
  item.dataset.key = key;
  return item;
}

function fillFound(item, names) {
  const [{ site, owner, block }] = names;
  const whose = owner ?? names[0].name;
  put(item.querySelector("summary"), element("b", whose), ` on ${site}, ${things(names.length, "name")}, ${things(sum(names, "count"), "time")} since ${dayOf(1000 * Math.min(...names.map(one => one.since)))}`);
  put(item.querySelector("ul"), ...names.map(one => element("li", `${one.kind} `, element("code", one.name), `, ${things(one.count, "time")}`)));
  item.querySelector("button").setAttribute("aria-label", `Copy the block of ${whose}`);
  write(item.querySelector("pre"), block);
}

async function copy(text) {
  getSelection().selectAllChildren(text);
  try {
    await navigator.clipboard.writeText(text.textContent);
    write(by("copied"), "Copied.");
  } catch {  // only pages over https, or of this machine, may write there
    write(by("copied"), document.execCommand("copy") ? "Copied." : "Selected: copy it with the keyboard.");
  }
}

function showRules({ rules, store, compiled, roles }) {
  putTerms(by("rules"), [
    ["Version", rules.version], ["File", rules.file], ["Loaded", rules.loaded_at && moment(rules.loaded_at)],
    ["Filter", compiled ? "compiled" : "not compiled"],
    ["Proofs", `${store.name ?? "not known"}, ${store.ok ? "works" : "fails"}`],
  ]);
  by("refused").hidden = !rules.refused;
  if (rules.refused) {
    write(by("refused-text"), `At ${moment(rules.refused.at)}. The older rules stay in force.`);
    write(by("refused-problems"), rules.refused.problems.join("\n"));
  }
  by("reload").hidden = !roles.includes("reload");
  by("record").hidden = !roles.includes("records");
}

function showSites(sites) {
  const upstream = ({ address, up }) => element("div", `${address} `, up ? "up" : marked("down", "span", "down"));
  putRows(by("sites"), sites.map(({ name, hosts, mode, upstreams }) => [
    [name, ...hosts.filter(host => host !== name).map(host => marked("mute", "div", host))], MODES[mode] ?? mode, element("div", ...upstreams.map(upstream)),
  ]));
}

function showWorkers(workers) {
  putRows(by("workers"), workers.map(one => [
    String(one.pid ?? "–"), one.ready ? "ready" : marked("down", "span", "takes no visitors"), one.since ? moment(one.since) : "–",
    ...[[one.cpu_seconds, " s"], [one.memory_bytes && one.memory_bytes / 1e6, " MB"], [one.connections, ""]]
      .map(([value, unit]) => (value == null ? "–" : count(Math.round(value)) + unit)),
  ]));
}

let data = null, timer = 0, reading = false, ended = false;

function show() {
  by("figures").hidden = false;
  showState(data);
  showMinutes();
  showVerdicts(data.verdicts);
  showConsent(data);
  showFound(data.found);
  showRules(data);
  showSites(data.sites);
  showWorkers(data.workers);
}

function showMinutes() {
  const minutes = wanted(data.minutes);
  showTraffic({ ...data, minutes });
  showLatency(minutes);
}

async function refresh() {
  clearTimeout(timer);
  if (reading || ended) return;
  reading = true;
  try {
    const response = await ask("/console/data");
    if (response?.ok) {
      data = await response.json();
      write(by("unreached"), "");
      show();
    } else if (response) {
      unreached(`it answered ${response.status}`);
    }
  } catch {
    unreached("no answer came");
  } finally {
    reading = false;
    if (!ended && document.visibilityState === "visible") timer = setTimeout(refresh, EVERY);
  }
}

/* Null where the session has ended, which the page then says. */
async function ask(address, form) {
  const how = form ? { method: "POST", body: new URLSearchParams(form) } : {};
  const response = await fetch(address, {
    ...how, headers: { Accept: "application/json" }, cache: "no-store", redirect: "manual", signal: AbortSignal.timeout(form ? 60_000 : PATIENCE),
  });
  if (response.status !== 401 && response.type !== "opaqueredirect") return response;
  ended = true;
  clearTimeout(timer);
  by("state").className = "";
  write(by("all"), "The session has ended.");
  put(by("problems"));
  write(by("updated"), "");
  by("unreached").hidden = false;
  put(by("unreached"), Object.assign(element("a", "Sign in again"), { href: "/console/" }), data ? `. The figures below are of ${exactly(data.at)}.` : ".");
  return null;
}

function unreached(why) {
  by("state").className = "";
  write(by("all"), "The console could not be reached.");
  put(by("problems"));
  write(by("updated"), "");
  write(by("unreached"), `At ${exactly(Date.now() / 1000)}: ${why}. It is asked again every 10 seconds.${data ? ` The figures below are of ${exactly(data.at)}.` : ""}`);
}

/* Why a request was refused, in the server's words. */
async function reason(response) {
  const { error } = await response.json().catch(() => ({}));
  return error ?? `the answer was ${response.status}`;
}

async function reload(button) {
  const line = by("reload").querySelector("p"), list = by("reload").querySelector("pre");
  button.disabled = true;
  write(line, "Reading the files …");
  write(list, "");
  try {
    const response = await ask("/console/reload", {});
    if (!response) return write(line, "");
    const { outcome, problems: found = [] } = response.ok ? await response.json() : { outcome: `Not done: ${await reason(response)}.` };
    const words = { loaded: "Loaded: the rules on disk are in force.", unchanged: "Nothing has changed on disk.", refused: "Refused: the older rules stay in force." };
    write(line, words[outcome] ?? outcome);
    await refresh();
    const shown = data?.rules.refused?.problems ?? [];
    write(list, found.filter(problem => !shown.includes(problem)).join("\n"));
  } catch {
    write(line, "No answer came.");
  } finally {
    button.disabled = false;
  }
}

async function lookUp(form) {
  const text = by("record-text"), button = form.querySelector("button");
  const id = form.receipt.value.trim();
  button.disabled = true;
  putTerms(by("record-fields"), []);
  by("record-all").hidden = true;
  write(text, "Looking …");
  try {
    const response = await ask("/console/record", { receipt: id });
    if (response?.ok) {
      showRecord(await response.json());
      write(text, "Found.");
    } else if (response) {
      write(text, response.status === 404 ? `There is no record ${id}.` : `Not looked up: ${await reason(response)}.`);
    } else {
      write(text, "");
    }
  } catch {
    write(text, "No answer came.");
  } finally {
    button.disabled = false;
  }
}

function showRecord(record) {
  const names = list => (Array.isArray(list) ? list.join(", ") || "nothing" : "");
  putTerms(by("record-fields"), [
    ["Record", record.id], ["Time", moment(Date.parse(record.time) / 1000)], ["Erased", record.erased && String(record.erased)],
    ["Site", record.site], ["Language", record.language && languageOf(record.language)], ["Answer", ANSWERS[record.how] ?? record.how],
    ["Granted", names(record.granted)], ["Refused", names(record.refused)], ["Withdrawn", names(record.withdrawn)],
    ["Policy", record.policy_version], ["Visitor", record.visitor], ["Before it", record.previous],
  ]);
  by("record-all").hidden = false;
  write(by("record-all").querySelector("pre"), JSON.stringify(record, null, 2));
}

by("consent-choice").addEventListener("change", () => data && showConsent(data));
by("hours").addEventListener("change", showMinutes);
document.querySelectorAll(".choice").forEach(form => form.addEventListener("submit", event => event.preventDefault()));  // Enter
by("reload").querySelector("button").addEventListener("click", event => reload(event.currentTarget));
by("record-form").addEventListener("submit", event => {
  event.preventDefault();
  lookUp(event.currentTarget);
});
document.addEventListener("visibilitychange", () => (document.visibilityState === "visible" ? refresh() : clearTimeout(timer)));

/* What can be scrolled can be reached by the keyboard, and only that. */
const scrolled = new ResizeObserver(() => document.querySelectorAll(".scroll").forEach(place => {
  const more = place.scrollWidth > place.clientWidth || place.scrollHeight > place.clientHeight;
  if (more) place.tabIndex = 0;
  else place.removeAttribute("tabindex");
}));
document.querySelectorAll(".scroll").forEach(place => [place, place.firstElementChild].forEach(one => scrolled.observe(one)));

refresh();
