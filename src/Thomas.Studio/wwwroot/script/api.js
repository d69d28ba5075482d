// Calls to the program. Every call carries the token, which came in the fragment of the address and is kept for this tab.

const storageName = "thomas.token";
let token = sessionStorage.getItem(storageName);

/** Tells of "unauthorized": the program did not take the token. */
export const calls = new EventTarget();

/** An answer other than success; status 0 means that the program could not be reached. */
export class ApiError extends Error {
  constructor(status, code, message, details = {}, retryAfter = null) {
    super(message);
    Object.assign(this, { status, code, details, retryAfter });
  }
}

/** Takes the token from a fragment like #token=... and says whether there was one. */
export function takeToken(fragment) {
  const found = /(?:^|[#&?])token=([^&\s]+)/.exec(fragment);
  if (found) keepToken(decodeURIComponent(found[1]));
  return found !== null;
}

export function keepToken(value) {
  token = value;
  sessionStorage.setItem(storageName, value);
}

export const hasToken = () => token !== null;

/** A fetch with the token; throws an ApiError unless it succeeds. */
export async function request(method, path, { json, body, type, signal } = {}) {
  const headers = { "X-Thomas-Token": token ?? "" };
  if (json !== undefined) {
    body = JSON.stringify(json);
    type = "application/json";
  }
  if (type) headers["Content-Type"] = type;
  let response;
  try {
    response = await fetch(`api/${path}`, { method, headers, body, signal, cache: "no-store" });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ApiError(0, "offline", error.message);
  }
  if (response.ok) return response;
  const problem = (await response.json().catch(() => null))?.error ?? {};
  if (response.status === 401) calls.dispatchEvent(new Event("unauthorized"));
  const retryAfter = Number(response.headers.get("Retry-After")) || null;
  throw new ApiError(response.status, problem.code ?? `http${response.status}`, problem.message ?? response.statusText, problem.details, retryAfter);
}

const json = async (method, path, options) => {
  const response = await request(method, path, options);
  return response.status === 204 ? null : await response.json().catch(() => null);
};

export const get = (path, options) => json("GET", path, options);
export const post = (path, body, options) => json("POST", path, { json: body, ...options });
export const put = (path, body) => json("PUT", path, { json: body });
export const remove = (path) => json("DELETE", path);

/** How much is done of the starter network while the program makes it; null when it does not. */
export const starterShare = async (signal) => (await get("models", { signal })).find(({ isStarter }) => isStarter)?.preparing ?? null;

/** Sends bytes and reports the share that is sent, which fetch cannot. */
export function upload(path, blob, type, onProgress) {
  return new Promise((resolve, reject) => {
    const call = new XMLHttpRequest();
    call.open("POST", `api/${path}`);
    call.setRequestHeader("X-Thomas-Token", token ?? "");
    call.setRequestHeader("Content-Type", type);
    call.responseType = "json";
    call.upload.onprogress = (event) => event.lengthComputable && onProgress?.(event.loaded / event.total);
    call.onerror = () => reject(new ApiError(0, "offline", ""));
    call.onload = () => {
      if (call.status >= 200 && call.status < 300) return resolve(call.response);
      if (call.status === 401) calls.dispatchEvent(new Event("unauthorized"));
      const problem = call.response?.error ?? {};
      reject(new ApiError(call.status, problem.code ?? `http${call.status}`, problem.message ?? call.statusText, problem.details));
    };
    call.send(blob);
  });
}

/** A path of a project, whose id is the program's own. */
export const projectPath = (id, rest = "") => `projects/${encodeURIComponent(id)}${rest}`;
