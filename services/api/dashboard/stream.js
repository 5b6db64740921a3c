// Following the event stream from a position. The browser's EventSource reconnects and resumes by itself; it cannot send
// a key, so with a key the same stream is read through fetch.

import { headers, key } from "./api.js";

const TYPES = [
  "article.enriched", "article.corrected", "article.reannotated", "article.merged", "article.withdrawn",
  "story.started", "story.grew", "story.merged", "feed.failing", "feed.recovered", "feed.quiet",
].map((name) => `wiredesk.${name}.v1`);
const RESET = "wiredesk.stream.reset";
const SILENCE_MS = 45_000; // the server says something at least every 15 s

/**
 * @param {(after: number) => string} url  the stream after a position
 * @param {{event: Function, reset: Function, state: Function, ended: Function}} tell
 *   event(cloudEvent), reset(members), state("live" | "waiting"), ended() when it will not come back by itself
 * @returns {() => void} stop
 */
export function follow(url, after, tell) {
  return key.get() ? throughFetch(url, after, tell) : throughEventSource(url, after, tell);
}

function throughEventSource(url, after, tell) {
  const source = new EventSource(url(after));
  source.onopen = () => tell.state("live");
  source.onerror = () => {
    if (source.readyState === EventSource.CLOSED) tell.ended();
    else tell.state("waiting");
  };
  for (const type of TYPES) source.addEventListener(type, (message) => tell.event(JSON.parse(message.data)));
  source.addEventListener(RESET, (message) => tell.reset(JSON.parse(message.data)));
  return () => source.close();
}

function throughFetch(url, after, tell) {
  const stop = new AbortController();
  read(url(after), stop, tell).catch(() => undefined).then(() => stop.signal.aborted || tell.ended());
  return () => stop.abort("stopped");
}

async function read(url, stop, tell) {
  const response = await fetch(url, { headers: { accept: "text/event-stream", ...headers() }, signal: stop.signal });
  if (!response.ok) return;
  tell.state("live");
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const quiet = setTimeout(() => reader.cancel(), SILENCE_MS);
    const { done, value } = await reader.read();
    clearTimeout(quiet);
    if (done) return;
    const blocks = (rest + value).replace(/\r\n?/g, "\n").split("\n\n"); // our own server ends its lines with \n alone
    rest = blocks.pop();
    for (const block of blocks) dispatch(block, tell);
  }
}

function dispatch(block, tell) {
  const fields = block.split("\n").map((line) => /^([^:]*):? ?(.*)$/.exec(line).slice(1));
  const data = fields.filter(([name]) => name === "data").map(([, value]) => value).join("\n");
  if (!data) return;
  const type = fields.find(([name]) => name === "event")?.[1];
  if (type === RESET) tell.reset(JSON.parse(data));
  else tell.event(JSON.parse(data));
}
