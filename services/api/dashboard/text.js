// Pure: offsets, times, numbers.

/**
 * Cut a text at its mentions. Offsets count Unicode code points, JavaScript strings count UTF-16 units: an emoji or a rare
 * character before a name takes two of these. Of mentions that overlap, the first and longest is kept.
 * @returns {{text: string, mention: object|null}[]} pieces that joined give the whole text
 */
export function pieces(text, mentions) {
  const unit = unitOffsets(text);
  const ordered = [...mentions].sort((a, b) => a.start - b.start || b.end - a.end);
  const found = [];
  let at = 0;
  for (const mention of ordered) {
    if (mention.start < at || mention.end <= mention.start || unit(mention.end) === undefined) continue;
    if (mention.start > at) found.push({ text: text.slice(unit(at), unit(mention.start)), mention: null });
    found.push({ text: text.slice(unit(mention.start), unit(mention.end)), mention });
    at = mention.end;
  }
  if (unit(at) < text.length) found.push({ text: text.slice(unit(at)), mention: null });
  return found;
}

/** A function from code point offsets to UTF-16 offsets; undefined beyond the end. */
function unitOffsets(text) {
  if (!/[\ud800-\udfff]/.test(text)) return (point) => (point <= text.length ? point : undefined);
  const offsets = [];
  let unit = 0;
  for (const point of text) {
    offsets.push(unit);
    unit += point.length;
  }
  offsets.push(text.length);
  return (point) => offsets[point];
}

/** Split pieces into paragraphs at their line breaks, so that a mention stays whole within one. */
export function paragraphs(cut) {
  const found = [[]];
  for (const piece of cut) {
    if (piece.mention) {
      found.at(-1).push(piece);
      continue;
    }
    const [first, ...rest] = piece.text.split(/\n+/);
    if (first) found.at(-1).push({ ...piece, text: first });
    for (const line of rest) found.push(line ? [{ ...piece, text: line }] : []);
  }
  return found.filter((paragraph) => paragraph.some((piece) => piece.text.trim()));
}

const CLOCK = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const DAY = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" });
const YEAR = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", year: "numeric" });
const WHOLE = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short", hourCycle: "h23" });

/** The shortest form that says when: the time today, the day this year. */
export function when(iso, now = new Date()) {
  const at = new Date(iso);
  if (Number.isNaN(at.getTime())) return "";
  if (at.toDateString() === now.toDateString()) return CLOCK.format(at);
  return (at.getFullYear() === now.getFullYear() ? DAY : YEAR).format(at);
}

export const whole = (iso) => (Number.isNaN(Date.parse(iso)) ? "" : WHOLE.format(new Date(iso)));

/** 4 s, 3 min, 2 h, 5 d: a length of time in one unit. */
export function span(seconds) {
  if (seconds === null || seconds === undefined || !Number.isFinite(seconds)) return "–";
  const s = Math.max(0, seconds);
  if (s < 1) return `${Math.round(s * 1000)} ms`;
  if (s < 10) return `${Math.round(s * 10) / 10} s`;
  if (s < 90) return `${Math.round(s)} s`;
  if (s < 5400) return `${Math.round(s / 60)} min`;
  if (s < 129600) return `${Math.round(s / 3600)} h`;
  return `${Math.round(s / 86400)} d`;
}

/** "4 min ago", "in 20 s", "now". */
export function relative(iso, now = Date.now()) {
  const at = Date.parse(iso);
  if (Number.isNaN(at)) return "–";
  const seconds = (at - now) / 1000;
  if (Math.abs(seconds) < 1) return "now";
  return seconds < 0 ? `${span(-seconds)} ago` : `in ${span(seconds)}`;
}

export const number = (value) => (Number.isFinite(value) ? new Intl.NumberFormat().format(value) : "–");

const NAMES = typeof Intl.DisplayNames === "function" ? new Intl.DisplayNames(undefined, { type: "language" }) : null;

/** A language's name for people. */
export function languageName(code) {
  try {
    return NAMES?.of(code) ?? code;
  } catch {
    return code;
  }
}

export const primary = (code) => (code || "").split("-")[0].toLowerCase();
