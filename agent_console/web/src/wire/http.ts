/** HTTP with typed problems. */

/** What the server answers when it refuses: a stable code, a message, and how to mend it. */
export class Problem extends Error {
  readonly status: number;
  readonly code: string;
  readonly fix: string;
  readonly retryAfterS: number | null;

  constructor(status: number, code: string, message: string, fix = "", retryAfterS: number | null = null) {
    super(message);
    this.name = "Problem";
    this.status = status;
    this.code = code;
    this.fix = fix;
    this.retryAfterS = retryAfterS;
  }
}

/** The code of a request that never reached the server. */
export const UNREACHABLE = "network.unreachable";

interface Ask {
  readonly method?: "GET" | "POST" | "PUT" | "DELETE";
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
  /** Let the request outlive the page. */
  readonly keepalive?: boolean;
}

/**
 * Ask the server; answers the JSON body, or null for 204.
 *
 * Throws `Problem` for every refusal, and for a server that cannot be reached (status 0).
 */
export async function ask(path: string, options: Ask = {}): Promise<unknown> {
  let response: Response;
  try {
    response = await fetch(path, {
      method: options.method ?? "GET",
      headers: {
        Accept: "application/json",
        ...(options.body === undefined ? {} : { "Content-Type": "application/json" }),
        ...options.headers,
      },
      credentials: "same-origin",
      keepalive: options.keepalive ?? false,
      ...(options.body === undefined ? {} : { body: JSON.stringify(options.body) }),
      ...(options.signal === undefined ? {} : { signal: options.signal }),
    });
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new Problem(0, UNREACHABLE, "The server cannot be reached.");
  }
  if (!response.ok) throw await readProblem(response);
  return response.status === 204 ? null : await response.json();
}

async function readProblem(response: Response): Promise<Problem> {
  const wait = Number(response.headers.get("Retry-After") ?? "");
  const retryAfterS = Number.isFinite(wait) && wait > 0 ? wait : null;
  let body: { code?: unknown; message?: unknown; fix?: unknown } = {};
  try {
    body = (await response.json()) as typeof body;
  } catch {
    // A proxy may answer with a page of its own; the status still tells.
  }
  return new Problem(
    response.status,
    typeof body.code === "string" ? body.code : `http.${response.status}`,
    typeof body.message === "string" ? body.message : response.statusText,
    typeof body.fix === "string" ? body.fix : "",
    retryAfterS,
  );
}
