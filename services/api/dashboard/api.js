// The public HTTP API: asking, the key, and errors as they come (RFC 9457).

const KEY = "wiredesk.key";

export const key = {
  get: () => sessionStorage.getItem(KEY) || "",
  set: (value) => sessionStorage.setItem(KEY, value),
};

/** What the API refused: `status`, `code`, and a message for people. */
export class Refused extends Error {
  constructor(status, problem) {
    const wrong = (problem.errors || []).map((e) => e.message + (e.suggestion ? ` (did you mean ${e.suggestion}?)` : ""));
    super(wrong.join("; ") || problem.detail || problem.title || `HTTP ${status}`);
    this.status = status;
    this.code = problem.code || `http_${status}`;
  }
}

/** `v1/articles?lang=en`; empty values are left out. Relative, so that the API may live below a path. */
export function address(path, parameters = {}) {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== "" && value !== null && value !== undefined) query.append(name, value);
  }
  const text = query.toString();
  return text ? `${path}?${text}` : path;
}

export const headers = () => (key.get() ? { authorization: `Bearer ${key.get()}` } : {});

/** Ask, and get the JSON. Throws `Refused`, or `TypeError` when nobody answers. */
export async function ask(url, { method = "GET", body, signal } = {}) {
  const response = await fetch(url, {
    method,
    signal,
    headers: { accept: "application/json", ...headers(), ...(body ? { "content-type": "application/json" } : {}) },
    body: body ? JSON.stringify(body) : undefined,
  });
  if (!response.ok) throw new Refused(response.status, await response.json().catch(() => ({})));
  return response.status === 204 ? null : response.json();
}

/** The next page: only the query of `next` counts, the path is ours. */
export const nextPage = (path, next) => `${path}${new URL(next, location.href).search}`;
