// The reading pane: one whole article with its entities marked where the API says they stand.

import { ask } from "./api.js";
import { byId, h, prose, webAddress } from "./dom.js";
import { badge } from "./list.js";
import { languageName, number, paragraphs, pieces, span, whole } from "./text.js";

/** Shows articles; `filter(entity)` is called when one of its entities is chosen. */
export class Reader {
  #asking = null;

  constructor(filter) {
    this.pane = byId("reader");
    this.blank = byId("blank");
    this.filter = filter;
    this.id = null;
  }

  /** Fetch and show an article; a later call overtakes an earlier one. */
  async show(id, { focus = true } = {}) {
    this.#asking?.abort();
    const asking = (this.#asking = new AbortController());
    this.id = id;
    document.body.classList.add("reading");
    try {
      const article = await ask(`v1/articles/${id}`, { signal: asking.signal });
      const versions = article.version > 1 ? await this.#versions(id, asking.signal) : [];
      if (asking.signal.aborted) return;
      this.#render(article, versions);
    } catch (error) {
      if (asking.signal.aborted) return;
      this.pane.replaceChildren(h("p", { class: "note", role: "alert" }, `The article cannot be shown: ${error.message}`));
    }
    this.blank.hidden = true;
    this.pane.hidden = false;
    this.pane.scrollTop = 0;
    if (focus) this.pane.focus({ preventScroll: true });
  }

  close() {
    this.#asking?.abort();
    this.id = null;
    this.pane.hidden = true;
    this.blank.hidden = false;
    document.body.classList.remove("reading");
  }

  async #versions(id, signal) {
    const told = await ask(`v1/articles/${id}/versions`, { signal }).catch(() => ({ items: [] }));
    return told.items.filter((version) => version.changes?.length);
  }

  #render(article, versions) {
    const lang = article.language?.code;
    const mentions = (article.entities || []).flatMap((e) => (e.mentions || []).map((m) => ({ ...m, entity: e })));
    const of = (field) => mentions.filter((mention) => mention.field === field);
    const body = article.body_text || "";
    this.pane.replaceChildren(
      h("button", { class: "back", type: "button", onclick: () => this.pane.dispatchEvent(new CustomEvent("leave", { bubbles: true })) }, "← All articles"),
      h(
        "header",
        {},
        h("p", { class: "kicker" }, h("span", { class: "source" }, article.source?.name || article.source?.id || ""),
          article.source?.country ? h("span", { class: "lang" }, article.source.country) : null, badge(article)),
        prose("h2", { class: "headline", id: "headline" }, lang, ...marked(pieces(article.title || "", of("title")))),
        article.subtitle ? prose("p", { class: "subtitle" }, lang, article.subtitle) : null,
        this.#facts(article),
      ),
      ...changes(versions, lang),
      worthSumming(article, body)
        ? h("section", { class: "summary", "aria-label": "Summary" }, h("h3", {}, "Summary"),
          prose("ul", {}, lang, ...article.summary.map((s) => prose("li", {}, lang, typeof s === "string" ? s : s.text || ""))))
        : null,
      h("div", { class: "body", id: "body" },
        ...(body
          ? paragraphs(pieces(body, of("body_text"))).map((paragraph) => prose("p", {}, lang, ...marked(paragraph)))
          : [prose("p", {}, lang, article.description || "The feed gives no text for this article.")])),
      this.#entities(article, lang),
      article.keywords?.length
        ? h("section", { "aria-label": "Keywords" }, h("h3", {}, "Keywords"),
          prose("p", { class: "words" }, lang, ...article.keywords.map((k) => prose("span", { class: "word" }, lang, k.text))))
        : null,
    );
    this.pane.setAttribute("aria-label", article.title || "Article");
  }

  #facts(article) {
    const facts = [
      ["Published", whole(article.published_at)],
      ["Changed", whole(article.modified_at)],
      ["Seen", whole(article.discovered_at)],
      ["Enriched after", article.latency?.seen_to_enriched_s != null ? span(article.latency.seen_to_enriched_s) : ""],
      ["By", (article.authors || []).map((a) => (typeof a === "string" ? a : a.name)).join(", ")],
      ["Language", article.language?.code ? languageName(article.language.code) : ""],
      ["Words", article.word_count ? number(article.word_count) : ""],
    ].filter(([, value]) => value);
    const link = webAddress(article.url);
    return h("dl", { class: "facts" },
      ...facts.map(([name, value]) => h("div", {}, h("dt", {}, name), prose("dd", {}, null, value))),
      link ? h("div", {}, h("dt", {}, "Original"), h("dd", {}, h("a", { href: link, rel: "noreferrer noopener", target: "_blank" }, new URL(link).host))) : null);
  }

  #entities(article, lang) {
    if (!article.entities?.length) return null;
    const chips = article.entities.map((entity) =>
      h("li", {}, h("button", { class: "chip", type: "button", "data-type": entity.type, title: `${entity.type} — show articles about it`, onclick: () => this.filter(entity) },
        prose("span", {}, lang, entity.name), h("span", { class: "hidden" }, `, ${entity.type}`), h("span", { class: "times" }, String(entity.count)))));
    return h("section", { "aria-label": "Entities" }, h("h3", {}, "In this article"), prose("ul", { class: "chips" }, lang, ...chips));
  }
}

function marked(cut) {
  return cut.map(({ text, mention }) =>
    mention
      ? h("mark", { "data-type": mention.entity.type, "data-entity": mention.entity.id, "data-start": mention.start, title: `${mention.entity.name} (${mention.entity.type})` }, text)
      : text);
}

/** What each correction changed, the latest first; the headlines stand open, longer texts are there for the asking. */
function changes(versions, lang) {
  if (!versions.length) return [];
  const all = versions.toReversed().flatMap((version) => version.changes.map((change) => ({ ...change, at: version.seen_at })));
  const titles = all.filter((change) => change.field === "title");
  const others = all.filter((change) => change.field !== "title");
  const listed = (some) => h("ul", {}, ...some.map((change) => changed(change, lang)));
  const fields = [...new Set(others.map((change) => change.field.replaceAll("_", " ")))].join(", ");
  return [h("section", { class: "changes", "aria-label": "Corrections" },
    h("h3", {}, "What was corrected"),
    titles.length ? listed(titles) : null,
    others.length ? h("details", { open: !titles.length }, h("summary", {}, titles.length ? `Also ${fields}` : fields), listed(others)) : null)];
}

function changed(change, lang) {
  return h("li", {}, h("p", { class: "change-head" }, `${change.field.replaceAll("_", " ")}, ${whole(change.at)}`),
    change.old ? prose("del", {}, lang, short(change.old)) : null,
    change.new ? prose("ins", {}, lang, short(change.new)) : null);
}

/** A summary that is most of the text says nothing new. */
function worthSumming({ summary }, body) {
  const text = (summary || []).map((s) => (typeof s === "string" ? s : s.text || "")).join(" ");
  return text.length > 0 && text.length < body.length * 0.6;
}

function short(value) {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  const points = [...text];
  return points.length > 400 ? `${points.slice(0, 400).join("")}…` : text;
}
