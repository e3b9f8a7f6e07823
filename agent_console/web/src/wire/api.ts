/** The server's HTTP surface, typed. */

import type { CallSummary, Wording, WireEvent } from "./events";
import { ask } from "./http";

export interface Session {
  readonly user: string;
  readonly name: string;
  readonly role: string;
}

export interface Config {
  readonly version: string;
  readonly languages: readonly string[];
  readonly default_language: string;
  readonly ice_servers: readonly RTCIceServer[];
}

export interface PlacedCall {
  readonly call: string;
  readonly sdp: string;
  readonly secret: string;
}

export interface EventPage {
  readonly events: readonly WireEvent[];
  readonly last_seq: number;
  readonly complete: boolean;
}

const at = (call: string): string => `/api/calls/${encodeURIComponent(call)}`;

export const fetchConfig = async (): Promise<Config> => (await ask("/api/config")) as Config;

export const fetchSession = async (): Promise<Session> => (await ask("/api/session")) as Session;

export const signIn = async (user: string, password: string): Promise<Session> =>
  (await ask("/api/session", { method: "POST", body: { user, password } })) as Session;

export async function signOut(): Promise<void> {
  await ask("/api/session", { method: "DELETE" });
}

/** A single-use ticket for the live websocket. */
export async function fetchTicket(): Promise<string> {
  const answer = (await ask("/api/tickets", { method: "POST" })) as { ticket: string };
  return answer.ticket;
}

/** A page of calls, newest first; `before` is the `started_at` of the last call of the page before. */
export async function fetchCalls(limit: number, before?: string): Promise<readonly CallSummary[]> {
  const query = new URLSearchParams({ limit: String(limit), ...(before === undefined ? {} : { before }) });
  const answer = (await ask(`/api/calls?${query.toString()}`)) as { calls: readonly CallSummary[] };
  return answer.calls;
}

export const fetchCall = async (call: string): Promise<CallSummary> => (await ask(at(call))) as CallSummary;

export const fetchEvents = async (call: string, after: number, limit = 1000): Promise<EventPage> =>
  (await ask(`${at(call)}/events?after=${after}&limit=${limit}`)) as EventPage;

/** Every event after `after` that the server has now, page by page. */
export async function fetchAllEvents(call: string, after: number): Promise<readonly WireEvent[]> {
  const events: WireEvent[] = [];
  for (let position = after; ; ) {
    const page = await fetchEvents(call, position);
    events.push(...page.events);
    const last = page.events.at(-1);
    if (last === undefined || last.seq >= page.last_seq) return events;
    position = last.seq;
  }
}

/** One thing that the caller was told. */
export interface Told {
  readonly seq: number;
  readonly at_ms: number;
  readonly text: Wording;
}

export interface ToldPage {
  readonly told: readonly Told[];
  /** Ask on from here. */
  readonly last_seq: number;
  readonly ended: boolean;
}

/** What the caller of this page is told after `after`; waits for something new for up to `waitS` seconds (25 at most). */
export const fetchTold = async (
  call: string,
  secret: string,
  after: number,
  waitS: number,
  signal?: AbortSignal,
): Promise<ToldPage> =>
  (await ask(`${at(call)}/told?after=${after}&wait_s=${waitS}`, {
    headers: { "X-Call-Secret": secret },
    ...(signal === undefined ? {} : { signal }),
  })) as ToldPage;

export const recordingUrl = (call: string): string => `${at(call)}/recording`;

export interface Offer {
  readonly key: string;
  readonly sdp: string;
  readonly language: string;
  readonly caller: string;
}

export const placeCall = async (offer: Offer): Promise<PlacedCall> =>
  (await ask("/api/calls", { method: "POST", body: offer })) as PlacedCall;

/** Another connection for the same call, because the network changed; answers the server's description. */
export async function offerAnew(call: string, secret: string, key: string, sdp: string): Promise<string> {
  const body = { key, sdp };
  const answer = await ask(`${at(call)}/offer`, { method: "PUT", body, headers: { "X-Call-Secret": secret } });
  return (answer as { readonly sdp: string }).sdp;
}

export async function hangUp(call: string, secret: string): Promise<void> {
  await ask(at(call), { method: "DELETE", headers: { "X-Call-Secret": secret }, keepalive: true });
}

export async function pressKey(call: string, secret: string, key: string, digit: string): Promise<void> {
  await ask(`${at(call)}/keys`, {
    method: "POST",
    body: { key, digit },
    headers: { "X-Call-Secret": secret },
  });
}
