// Making elements. Text only ever goes in as text: what publishers write is never read as markup.

/** h("a", {class: "x", href: url}, "text", child): an element. Attributes that are null or false are left out. */
export function h(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else element.setAttribute(key, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

export const byId = (id) => document.getElementById(id);

/** Only addresses of the web become links; `javascript:` and the like stay text. */
export function webAddress(text) {
  try {
    const url = new URL(text);
    return url.protocol === "https:" || url.protocol === "http:" ? url.href : null;
  } catch {
    return null;
  }
}

/** An element that a screen reader and the eye read in the direction its text asks for. */
export function prose(name, attributes, lang, ...children) {
  return h(name, { dir: "auto", lang: lang || null, ...attributes }, ...children);
}
