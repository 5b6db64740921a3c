// The list: newest first, kept in order while articles arrive, one row an article.

import { byId, h, prose } from "./dom.js";
import { primary, when, whole } from "./text.js";

const MOST_ROWS = 1000;

/** Rows by article; `choose(id)` is called when one is opened. */
export class List {
  #rows = new Map(); // id -> {article, item}
  #unseen = 0;

  constructor(choose) {
    this.list = byId("list");
    this.scroller = byId("scroller");
    this.fresh = byId("fresh");
    this.choose = choose;
    this.list.addEventListener("click", (event) => {
      const row = event.target.closest("[data-article-id]");
      if (row) choose(Number(row.dataset.articleId));
    });
    this.scroller.addEventListener("scroll", () => this.#atTop() && this.#seen(), { passive: true });
    this.fresh.addEventListener("click", () => {
      this.scroller.scrollTo({ top: 0 });
      this.#seen();
    });
  }

  get size() {
    return this.#rows.size;
  }

  /** Start anew with these articles; rows that stay keep their place in the document and the focus. */
  replace(articles) {
    const keep = new Set(articles.map((article) => article.id));
    for (const [id, row] of this.#rows) {
      if (keep.has(id)) continue;
      row.item.remove();
      this.#rows.delete(id);
    }
    for (const article of articles) this.put(article);
    this.#seen();
  }

  /** Add or renew one; `live` rows are lit up for a moment and counted while the reader is further down. */
  put(article, live = false) {
    const known = this.#rows.get(article.id);
    if (known && (known.article.position ?? 0) > (article.position ?? 0)) return;
    const item = known?.item ?? h("li", {});
    const focused = item.contains(document.activeElement);
    const open = item.querySelector("[aria-current]") !== null;
    item.replaceChildren(row(article));
    if (open) item.firstChild.setAttribute("aria-current", "true");
    if (live) item.firstChild.classList.add("arrived");
    this.#rows.set(article.id, { article, item });
    const after = this.#placeFor(article);
    if (item.nextSibling !== after || !item.parentNode) this.list.insertBefore(item, after);
    if (focused) item.firstChild.focus({ preventScroll: true });
    if (live && !known && !this.#atTop()) this.#count();
  }

  drop(id) {
    this.#rows.get(id)?.item.remove();
    this.#rows.delete(id);
  }

  /** Keep the document small; true if rows were cut off at the old end. */
  trim() {
    let cut = false;
    while (this.#rows.size > MOST_ROWS) {
      this.drop(Number(this.list.lastElementChild.firstChild.dataset.articleId));
      cut = true;
    }
    return cut;
  }

  mark(id) {
    this.list.querySelector("[aria-current]")?.removeAttribute("aria-current");
    this.#rows.get(id)?.item.firstChild.setAttribute("aria-current", "true");
  }

  /** Move the focus by so many rows: from the focused one, else from the open one, else to the first. */
  move(by) {
    const here = this.list.contains(document.activeElement)
      ? document.activeElement.closest("li")
      : this.list.querySelector("[aria-current]")?.closest("li");
    const next = here ? (by > 0 ? here.nextElementSibling : here.previousElementSibling) : this.list.firstElementChild;
    next?.firstChild.focus();
    next?.scrollIntoView({ block: "nearest" });
  }

  focus(id) {
    this.#rows.get(id)?.item.firstChild.focus();
  }

  /** The element before which an article belongs: most arrive near the top, so look from there. */
  #placeFor(article) {
    const mine = order(article);
    for (let item = this.list.firstElementChild; item; item = item.nextElementSibling) {
      const id = Number(item.firstChild.dataset.articleId);
      if (id === article.id) continue;
      const theirs = order(this.#rows.get(id).article);
      if (theirs[0] < mine[0] || (theirs[0] === mine[0] && theirs[1] < mine[1])) return item;
    }
    return null;
  }

  #atTop() {
    return this.scroller.scrollTop < 40;
  }

  #count() {
    this.#unseen += 1;
    this.fresh.textContent = `↑ ${this.#unseen} new`;
    this.fresh.hidden = false;
  }

  #seen() {
    this.#unseen = 0;
    this.fresh.hidden = true;
  }
}

/** As the API sorts: published, else discovered; then the id. */
const order = (article) => [Date.parse(article.published_at || article.discovered_at) || 0, article.id];

function row(article) {
  const at = article.published_at || article.discovered_at;
  const lang = article.language?.code;
  const names = (article.entities || []).slice(0, 4);
  return h(
    "button",
    { class: "row", type: "button", "data-article-id": article.id },
    h(
      "span",
      { class: "row-head" },
      h("time", { datetime: at, title: whole(at) }, when(at)),
      h("span", { class: "source" }, article.source?.name || article.source?.id || ""),
      lang ? h("span", { class: "lang" }, primary(lang)) : null,
      badge(article),
    ),
    prose("span", { class: "row-title" }, lang, article.title || "(untitled)"),
    names.length
      ? h("span", { class: "row-names" }, ...names.map((e) => prose("span", { class: "name", "data-type": e.type }, lang, e.name)))
      : null,
  );
}

/** What a reader must know before trusting the text. */
export function badge(article) {
  if (article.status === "withdrawn") return h("span", { class: "badge bad" }, "withdrawn");
  if (article.status === "corrected" || article.version > 1) return h("span", { class: "badge" }, "corrected");
  return null;
}
