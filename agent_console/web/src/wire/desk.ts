/** The desk and the legs of a call over HTTP, typed. */

import type { SupervisionMode, TransferKind, TransferTarget, Wording } from "./events";
import { ask } from "./http";

export type Presence = "ready" | "busy" | "after_call" | "break" | "offline";
export type ContactState = "waiting" | "asleep" | "offered" | "connecting" | "serving";
/** `serve`: as whoever serves; `consult`: as somebody who is asked for help; else as a supervisor. */
export type LegMode = "serve" | "consult" | SupervisionMode;

export const OVERRIDE_REASONS = [
  "customer_request",
  "wrong_intent",
  "wrong_priority",
  "vulnerable_customer",
  "business_exception",
  "staffing",
  "other",
] as const;
export type OverrideReason = (typeof OVERRIDE_REASONS)[number];

/** Why a person decided otherwise than was advised. */
export interface Override {
  readonly reason: OverrideReason;
  readonly note?: string;
}

export interface DeskAgent {
  readonly agent: string;
  readonly name: string;
  readonly skills: Readonly<Record<string, number>>;
  readonly languages: readonly string[];
  readonly capacity: number;
  readonly presence: Presence;
  readonly reservation: string | null;
  readonly calls: readonly string[];
  /** After-call work ends by itself in so many seconds. */
  readonly ready_in_s: number | null;
}

/** A queue; waits in seconds. */
export interface DeskQueue {
  readonly queue: string;
  readonly title: Wording;
  readonly open: boolean;
  readonly staffed: boolean;
  readonly waiting: number;
  readonly longest_wait_s: number;
  /** Of somebody who joins now; null where nobody is there for the queue. */
  readonly expected_wait_s: number | null;
  readonly answered: number;
  readonly answered_in_target: number;
  readonly abandoned: number;
  readonly mean_wait_s: number;
  readonly mean_handle_s: number;
}

/** What people call what the desk's file names, by id. */
export interface DeskNames {
  readonly default_queue: string;
  readonly queues: Readonly<Record<string, Wording | undefined>>;
  readonly skills: Readonly<Record<string, Wording | undefined>>;
}

/** A caller at the desk. */
export interface Contact {
  readonly call: string;
  readonly ticket: string;
  readonly queue: string;
  readonly priority: number;
  readonly state: ContactState;
  readonly callback: boolean;
  readonly with_ai: boolean;
  readonly waited_s: number;
  readonly ahead: number | null;
  readonly expected_wait_s: number | null;
  readonly agent: string | null;
  readonly offers: number;
  /** How often who is to be called back was called and not reached. */
  readonly attempts: number;
  /** Until who is to be called back is due again; null where they do not rest. */
  readonly due_in_s: number | null;
}

/** An open reservation: a caller who is offered to me. */
export interface Reservation {
  readonly offer: string;
  readonly call: string;
  readonly ticket: string;
  readonly queue: string;
  readonly priority: number;
  readonly remaining_s: number;
  /** The caller hung up, and is called by another call once this is accepted. */
  readonly callback: boolean;
  readonly attempts: number;
  readonly waited_s: number;
}

/** Who can be called outside; nobody where both are empty. */
export interface Outside {
  /** First digits of numbers. */
  readonly prefixes: readonly string[];
  /** Domains of addresses. */
  readonly domains: readonly string[];
}

const key = (): string => crypto.randomUUID();
const part = encodeURIComponent;
const agentAt = (agent: string): string => `/api/desk/agents/${part(agent)}`;
const callAt = (call: string): string => `/api/calls/${part(call)}`;

/** The signed-in agent; null for whom the desk does not know yet. */
export const fetchMe = async (): Promise<DeskAgent | null> => (await ask("/api/desk/me")) as DeskAgent | null;

export const fetchAgents = async (): Promise<readonly DeskAgent[]> => (await ask("/api/desk/agents")) as DeskAgent[];

export const fetchQueues = async (): Promise<readonly DeskQueue[]> => (await ask("/api/desk/queues")) as DeskQueue[];

export const fetchNames = async (): Promise<DeskNames> => (await ask("/api/desk/names")) as DeskNames;

/** How many calls were refused since the server started, by reason; for supervisors and administrators. */
export const fetchRefusals = async (): Promise<Readonly<Record<string, number>>> =>
  ((await ask("/api/refusals")) as { readonly refusals: Readonly<Record<string, number>> }).refusals;

export const fetchContacts = async (limit = 200): Promise<readonly Contact[]> =>
  (await ask(`/api/desk/contacts?limit=${limit}`)) as Contact[];

export const fetchReservation = async (): Promise<Reservation | null> =>
  (await ask("/api/desk/reservation")) as Reservation | null;

export async function showLife(agent: string): Promise<void> {
  await ask(`${agentAt(agent)}/life`, { method: "POST", body: { key: key() } });
}

export async function setPresence(agent: string, presence: Presence): Promise<void> {
  await ask(`${agentAt(agent)}/presence`, { method: "PUT", body: { key: key(), presence } });
}

export async function acceptOffer(offer: string, console: string): Promise<void> {
  await ask(`/api/desk/reservations/${part(offer)}/accept`, { method: "POST", body: { key: key(), console } });
}

export async function declineOffer(offer: string): Promise<void> {
  await ask(`/api/desk/reservations/${part(offer)}/decline`, { method: "POST", body: { key: key() } });
}

/** The audio of an accepted caller did not come about: the caller goes back to the old place. */
export async function failBridge(call: string): Promise<void> {
  await ask(`/api/desk/contacts/${part(call)}/failed`, { method: "POST", body: { key: key() } });
}

export async function overridePriority(call: string, priority: number, why: Override): Promise<void> {
  await ask(`/api/desk/contacts/${part(call)}/priority`, { method: "POST", body: { key: key(), priority, ...why } });
}

/** Bring one's own audio onto a call; answers the session description to speak by. */
export async function joinCall(call: string, sdp: string, mode: LegMode): Promise<string> {
  const answer = (await ask(`${callAt(call)}/legs`, { method: "POST", body: { key: key(), sdp, mode } })) as {
    sdp: string;
  };
  return answer.sdp;
}

/** Another connection for the same leg, because the network changed; answers the server's description. */
export async function offerLegAnew(call: string, sdp: string): Promise<string> {
  const answer = await ask(`${callAt(call)}/legs/mine/offer`, { method: "PUT", body: { key: key(), sdp } });
  return (answer as { readonly sdp: string }).sdp;
}

/** Take part in another way; to serve is to take the call over, which needs a reason. */
export async function changeLeg(call: string, mode: LegMode, why: Override | null = null): Promise<void> {
  await ask(`${callAt(call)}/legs/mine`, { method: "PUT", body: { key: key(), mode, ...why } });
}

/** A supervisor leaves; a serving agent gives the caller back to the queue. */
export async function leaveCall(call: string): Promise<void> {
  await ask(`${callAt(call)}/legs/mine?key=${key()}`, { method: "DELETE", keepalive: true });
}

export async function holdCall(call: string, held: boolean): Promise<void> {
  await ask(`${callAt(call)}/hold`, { method: "PUT", body: { key: key(), held } });
}

export async function muteLeg(call: string, muted: boolean): Promise<void> {
  await ask(`${callAt(call)}/mute`, { method: "PUT", body: { key: key(), muted } });
}

export async function pauseRecording(call: string, paused: boolean): Promise<void> {
  await ask(`${callAt(call)}/recording`, { method: "PUT", body: { key: key(), paused } });
}

/** End the call for everybody. */
export async function endCall(call: string): Promise<void> {
  await ask(callAt(call), { method: "DELETE" });
}

export const fetchOutside = async (): Promise<Outside> => (await ask("/api/outside")) as Outside;

const named = ({ kind, address }: TransferTarget): Readonly<Record<string, string>> => ({ [kind]: address });

/** Ask somebody to talk while the caller waits. */
export async function consult(call: string, target: TransferTarget): Promise<void> {
  await ask(`${callAt(call)}/consult`, { method: "POST", body: { key: key(), to: named(target) } });
}

/** Go back to the caller; or decline, or leave, as the one who was asked. */
export async function endConsult(call: string): Promise<void> {
  await ask(`${callAt(call)}/consult?key=${key()}`, { method: "DELETE", keepalive: true });
}

/** Pass the caller on: to a target at once, or without one to whoever is consulted. */
export async function passOn(call: string, kind: TransferKind, target: TransferTarget | null): Promise<void> {
  const to = target === null ? {} : { to: named(target) };
  await ask(`${callAt(call)}/transfer`, { method: "POST", body: { key: key(), kind, ...to } });
}

/** Take the caller back before somebody else has them; or decline, as the one who was asked. */
export async function withdrawTransfer(call: string): Promise<void> {
  await ask(`${callAt(call)}/transfer?key=${key()}`, { method: "DELETE", keepalive: true });
}
