// The pipeline at a glance: how much waits, how much comes, how long it takes.

import { ask } from "./api.js";
import { byId, h } from "./dom.js";
import { number, span } from "./text.js";

/** Keeps the strip in the header up to date while the page is looked at. */
export class Strip {
  #timer = null;
  #heads = []; // {at, position} of the last minute

  watch(on) {
    clearInterval(this.#timer);
    this.#timer = on ? setInterval(() => this.load(), 5000) : null;
    if (on) this.load();
  }

  async load() {
    const [queues, pipeline] = await Promise.all(["v1/ops/queues", "v1/ops/pipeline"].map((url) => ask(url).catch(() => null)));
    if (!queues && !pipeline) return;
    const lag = pipeline?.stages.find((stage) => stage.stage === "stored_to_told");
    const figures = [
      ["Queue", number(queues?.pending), `Articles that wait for enrichment${queues?.oldest_age_s ? `, the oldest for ${span(queues.oldest_age_s)}` : ""}`],
      ["Events/min", number(pipeline ? Math.round(this.#rate(pipeline)) : NaN), "Events of the last minute"],
      ["Lag", span(lag?.p50_s), `From stored to told, the median of the last hour${lag?.p99_s ? `; 99 of 100 within ${span(lag.p99_s)}` : ""}`],
    ];
    byId("strip").replaceChildren(...figures.map(([name, value, about]) => h("div", { title: about }, h("dt", {}, name), h("dd", {}, value))));
  }

  /** Events a minute: how far the log's head moved within the last minute; until that is known, the last hour's mean. */
  #rate({ position, events, window_s }) {
    const now = performance.now();
    this.#heads = [...this.#heads.filter((head) => now - head.at < 65_000), { at: now, position }];
    const [first] = this.#heads;
    const seconds = (now - first.at) / 1000;
    if (seconds > 20) return ((position - first.position) * 60) / seconds;
    return (events.reduce((sum, { count }) => sum + count, 0) * 60) / window_s;
  }
}
