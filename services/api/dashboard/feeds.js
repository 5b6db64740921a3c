// The feeds: what is subscribed and how it fares.

import { address, ask, nextPage } from "./api.js";
import { byId, h, prose } from "./dom.js";
import { number, relative, whole } from "./text.js";

const BAD = new Set(["failing", "gone"]);

/** Keeps the table of feeds up to date while it is looked at. */
export class Feeds {
  #timer = null;

  constructor(refused) {
    this.rows = byId("feed-rows");
    this.refused = refused;
    byId("add-feed").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#add(event.target);
    });
  }

  watch(on) {
    clearInterval(this.#timer);
    this.#timer = on ? setInterval(() => this.load(), 5000) : null;
    if (on) this.load();
  }

  async load() {
    try {
      this.#show(await all());
    } catch (error) {
      this.refused(error);
    }
  }

  #show(feeds) {
    const troubled = feeds.filter((feed) => BAD.has(feed.state.status)).length;
    byId("feeds-trouble").textContent = String(troubled);
    byId("feeds-trouble").title = `${troubled} in trouble`;
    byId("feeds-trouble").hidden = !troubled;
    byId("feeds-empty").hidden = feeds.length > 0;
    const focused = document.activeElement?.closest?.("#feed-rows tr")?.dataset.feedId;
    this.rows.replaceChildren(...feeds.map((feed) => this.#row(feed)));
    if (focused) this.rows.querySelector(`[data-feed-id="${focused}"] button`)?.focus({ preventScroll: true });
  }

  #row(feed) {
    const { state } = feed;
    const trouble = [state.error?.message, ...(state.warnings || []).map((w) => w.message)].filter(Boolean);
    return h("tr", { "data-feed-id": feed.id },
      h("td", { class: "feed" }, prose("strong", {}, null, feed.title || feed.url),
        h("span", { class: "url" }, feed.url),
        ...trouble.map((message) => prose("span", { class: "trouble" }, null, message)),
        feed.tags?.length ? h("span", { class: "tags" }, feed.tags.join(" · ")) : null),
      h("td", {}, h("span", { class: "state", "data-state": state.status }, state.status)),
      h("td", { title: whole(state.last_polled_at) }, state.last_polled_at ? relative(state.last_polled_at) : "–",
        state.outcome ? h("span", { class: "sub" }, state.outcome.replaceAll("_", " ")) : null),
      h("td", { title: whole(state.next_poll_at) }, state.next_poll_at ? due(state.next_poll_at) : "–"),
      h("td", { class: "num" }, number(state.articles_total)),
      h("td", { class: "act" }, h("button", { type: "button", onclick: (event) => this.#poll(feed, event.target) }, "Poll now",
        h("span", { class: "hidden" }, ` ${feed.title || feed.url}`))));
  }

  async #poll(feed, button) {
    button.disabled = true;
    try {
      await ask(address(`v1/feeds/${feed.id}/poll`, { wait: 20 }), { method: "POST" });
    } catch (error) {
      note(error.message, true);
    }
    await this.load();
  }

  async #add(form) {
    const url = form.elements.url.value.trim();
    note(`Adding ${url} …`);
    try {
      const feed = await ask("v1/feeds", { method: "POST", body: { url } });
      form.reset();
      note(`${feed.title || feed.url} is subscribed and polled now.`);
      await this.load();
    } catch (error) {
      note(error.message, true);
    }
  }
}

async function all() {
  const feeds = [];
  let url = address("v1/feeds", { limit: 200 });
  while (url) {
    const page = await ask(url);
    feeds.push(...page.items);
    url = page.next ? nextPage("v1/feeds", page.next) : null;
  }
  return feeds;
}

const due = (iso) => (Date.parse(iso) <= Date.now() ? "due" : relative(iso));

function note(text, bad = false) {
  const place = byId("add-note");
  place.textContent = text;
  place.classList.toggle("bad", bad);
  place.hidden = !text;
}
