// The dashboard: a list is read together with the position at which it was true, then followed from exactly there.
//
//   restart → GET v1/articles (items, position) → follow v1/events?after=position → put each event → (broken off) restart

import { address, ask, key, nextPage, Refused } from "./api.js";
import { byId, h } from "./dom.js";
import { Feeds } from "./feeds.js";
import { List } from "./list.js";
import { Reader } from "./reader.js";
import { follow } from "./stream.js";
import { Strip } from "./strip.js";
import { languageName, number, primary } from "./text.js";

const PAGE = 60;
const LONGEST_WAIT_MS = 15_000;

const filters = byId("filters");
const list = new List((id) => open(id));
const reader = new Reader((entity) => setFilter({ entity: entity.id, entityName: entity.name }));
const feeds = new Feeds(troubled);
const strip = new Strip();

let entity = null; // {id, name}: the one filter that is chosen in an article
let next = null; // where the list goes on
let position = 0;
let stop = () => undefined;
let asking = new AbortController();
let retry = null;
let failures = 0;
let heard = 0; // articles that arrived since they were last announced

// --- the list and the stream -------------------------------------------------------------------------------------

const chosen = () => {
  const given = new FormData(filters);
  return { q: given.get("q").trim(), lang: given.get("lang"), source: given.get("source"), entity: entity?.id ?? "" };
};

async function restart() {
  stop();
  clearTimeout(retry);
  asking.abort();
  const mine = (asking = new AbortController());
  try {
    const page = await ask(address("v1/articles", { ...chosen(), limit: PAGE }), { signal: mine.signal });
    if (mine.signal.aborted) return;
    list.replace(page.items);
    page.items.forEach(learn);
    next = page.next;
    seen(page.position);
    say("");
    shown();
    if (reader.id !== null) list.mark(reader.id);
    stop = follow((after) => address("v1/events", { ...chosen(), after }), page.position, { event, reset: restart, state, ended });
  } catch (error) {
    if (mine.signal.aborted) return;
    troubled(error);
    const hopeless = error instanceof Refused && error.status < 500 && error.status !== 429;
    if (hopeless) state("stopped");
    else ended();
  }
}

/** The stream will not come back by itself: read the list anew and follow from there, later and later. */
function ended() {
  stop();
  state("waiting");
  failures += 1;
  const wait = Math.min(LONGEST_WAIT_MS, 500 * 2 ** failures) * (0.75 + Math.random() / 2);
  clearTimeout(retry);
  retry = setTimeout(restart, wait);
}

function event(told) {
  seen(Number(told.id));
  const [kind, id] = told.subject.split("/");
  if (kind === "feeds") feeds.load();
  if (kind !== "articles") return;
  const article = told.data;
  if (told.type === "wiredesk.article.merged.v1" && article.duplicate_of) {
    list.drop(Number(id));
  } else {
    const arrived = told.type === "wiredesk.article.enriched.v1";
    list.put(article, arrived);
    heard += arrived ? 1 : 0;
    learn(article);
    if (list.trim()) next = null;
  }
  shown();
  if (reader.id === Number(id)) reader.show(reader.id, { focus: false });
}

async function older() {
  const more = byId("more");
  more.disabled = true;
  try {
    const page = await ask(nextPage("v1/articles", next));
    for (const article of page.items) list.put(article);
    page.items.forEach(learn);
    next = page.next;
  } catch (error) {
    troubled(error);
  }
  more.disabled = false;
  shown();
}

function seen(at) {
  position = Math.max(position, at);
  byId("position").textContent = number(position);
}

function state(name) {
  if (name === "live") failures = 0;
  const words = { live: "live", connecting: "connecting", waiting: "reconnecting", stopped: "stopped" };
  byId("link").dataset.state = name;
  if (byId("link-state").textContent !== words[name]) byId("link-state").textContent = words[name];
}

function shown() {
  byId("more").hidden = !next;
  const empty = byId("empty");
  empty.hidden = list.size > 0;
  empty.textContent = Object.values(chosen()).some(Boolean)
    ? "Nothing matches. New articles that do appear here by themselves."
    : "No articles yet. They appear here by themselves as the feeds bring them.";
}

function say(text) {
  byId("note").textContent = text;
  byId("note").hidden = !text;
}

function troubled(error) {
  if (error instanceof Refused && error.status === 401) return askForKey();
  if (error instanceof Refused && error.status === 403) return askForKey("This key may not read here. Give one with the scope read.");
  say(error instanceof Refused ? error.message : "The server does not answer; trying again.");
}

setInterval(() => {
  if (!heard) return;
  byId("announce").textContent = heard === 1 ? "One new article" : `${heard} new articles`;
  heard = 0;
}, 5000);

// --- filters ------------------------------------------------------------------------------------------------------

const languages = new Map();
const sources = new Map();

/** Offer the languages and sources that were seen. */
function learn(article) {
  const lang = primary(article.language?.code);
  if (lang && !languages.has(lang)) offer(filters.elements.lang, languages, lang, languageName(lang));
  const source = article.source;
  if (source?.id && !sources.has(source.id)) offer(filters.elements.source, sources, source.id, source.name || source.id);
}

function offer(select, known, value, label) {
  known.set(value, label);
  const after = [...select.options].slice(1).find((option) => option.label.localeCompare(label) > 0) ?? null;
  if (![...select.options].some((option) => option.value === value)) select.insertBefore(new Option(label, value), after);
}

async function learnSources() {
  let page = address("v1/sources", { limit: 200 });
  for (let n = 0; page && n < 10; n += 1) {
    const told = await ask(page).catch(() => ({ items: [] }));
    for (const source of told.items) learn({ source });
    page = told.next ? nextPage("v1/sources", told.next) : null;
  }
}

function setFilter({ q, lang, source, entity: id, entityName } = {}) {
  if (q !== undefined) filters.elements.q.value = q;
  for (const [name, value] of Object.entries({ lang, source })) {
    if (value === undefined) continue;
    const select = filters.elements[name];
    if (value && ![...select.options].some((option) => option.value === value)) select.add(new Option(value, value));
    select.value = value;
  }
  if (id !== undefined) entity = id ? { id, name: entityName || id } : null;
  const pill = byId("entity-filter");
  pill.hidden = !entity;
  pill.replaceChildren(...(entity
    ? [entity.name, h("button", { type: "button", "aria-label": `No longer only ${entity.name}`, onclick: () => setFilter({ entity: "" }) }, "×")]
    : []));
  filtered();
}

let typing = null;
function filtered() {
  clearTimeout(typing);
  remember();
  restart();
}

filters.addEventListener("submit", (event) => {
  event.preventDefault();
  filtered();
});
filters.addEventListener("change", filtered);
filters.elements.q.addEventListener("input", () => {
  clearTimeout(typing);
  typing = setTimeout(filtered, 350);
});
byId("more").addEventListener("click", older);

/** The address says what is shown, so that it can be passed on. */
function remember() {
  const told = { ...chosen(), name: entity?.name ?? "", article: reader.id ?? "", view: document.body.dataset.view === "feeds" ? "feeds" : "" };
  history.replaceState(null, "", address(location.pathname, told));
}

// --- reading, views, keys -----------------------------------------------------------------------------------------

function open(id) {
  list.mark(id);
  reader.show(id);
  reader.id = id;
  remember();
}

function leave() {
  const id = reader.id;
  reader.close();
  list.mark(null);
  if (id !== null) list.focus(id);
  remember();
}
byId("reader").addEventListener("leave", leave);

function view(name) {
  document.body.dataset.view = name;
  for (const one of ["wire", "feeds"]) {
    const on = one === name;
    byId(`view-${one}`).hidden = !on;
    byId(`tab-${one}`).setAttribute("aria-selected", String(on));
    byId(`tab-${one}`).tabIndex = on ? 0 : -1;
  }
  feeds.watch(name === "feeds" && !document.hidden);
  remember();
}

for (const name of ["wire", "feeds"]) byId(`tab-${name}`).addEventListener("click", () => view(name));
document.querySelector("[role=tablist]").addEventListener("keydown", (event) => {
  if (event.key !== "ArrowLeft" && event.key !== "ArrowRight") return;
  const other = document.body.dataset.view === "wire" ? "feeds" : "wire";
  view(other);
  byId(`tab-${other}`).focus();
});

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || byId("key-dialog").open) return;
  const writing = event.target.matches("input, select, textarea");
  if (event.key === "Escape") {
    if (writing) event.target.blur();
    else if (reader.id !== null) leave();
    return;
  }
  if (writing || document.body.dataset.view !== "wire") return;
  const act = { j: () => list.move(1), k: () => list.move(-1), "/": () => filters.elements.q.focus() }[event.key];
  if (!act) return;
  event.preventDefault();
  act();
});

document.addEventListener("visibilitychange", () => {
  strip.watch(!document.hidden);
  feeds.watch(document.body.dataset.view === "feeds" && !document.hidden);
});

const THEMES = ["", "light", "dark"];
function theme(name) {
  document.documentElement.dataset.theme = name;
  byId("theme").title = { "": "Light or dark as the system", light: "Light", dark: "Dark" }[name];
}
byId("theme").addEventListener("click", () => {
  const following = THEMES[(THEMES.indexOf(document.documentElement.dataset.theme ?? "") + 1) % THEMES.length];
  localStorage.setItem("wiredesk.theme", following);
  theme(following);
});
theme(THEMES.includes(localStorage.getItem("wiredesk.theme")) ? localStorage.getItem("wiredesk.theme") : "");

function askForKey(why) {
  state("stopped");
  if (why) byId("key-why").textContent = why;
  if (!byId("key-dialog").open) byId("key-dialog").showModal();
}
byId("key-form").addEventListener("submit", () => {
  key.set(byId("key").value.trim());
  byId("key").value = "";
  begin();
});

function begin() {
  learnSources();
  feeds.load();
  strip.watch(!document.hidden);
  restart();
}

const asked = new URLSearchParams(location.search);
for (const name of ["lang", "source"]) {
  if (asked.get(name)) filters.elements[name].add(new Option(name === "lang" ? languageName(asked.get(name)) : asked.get(name), asked.get(name)));
}
if (asked.get("article")) open(Number(asked.get("article")));
if (asked.get("view") === "feeds") view("feeds");
learnSources();
feeds.load();
strip.watch(!document.hidden);
setFilter({ q: asked.get("q") ?? "", lang: asked.get("lang") ?? "", source: asked.get("source") ?? "", entity: asked.get("entity") ?? "", entityName: asked.get("name") ?? "" });
