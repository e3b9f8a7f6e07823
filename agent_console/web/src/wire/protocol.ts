/** Messages of the live websocket, and reading them with suspicion. */

import type { CallSummary, WireEvent } from "./events";

export type ClientMessage =
  | { readonly op: "list" }
  | { readonly op: "watch"; readonly call: string; readonly after: number }
  | { readonly op: "unwatch"; readonly call: string }
  | { readonly op: "ping"; readonly id: number };

export type ServerMessage =
  | { readonly op: "calls"; readonly calls: readonly CallSummary[] }
  | { readonly op: "call"; readonly call: CallSummary }
  | { readonly op: "events"; readonly call: string; readonly events: readonly WireEvent[] }
  | { readonly op: "caught_up"; readonly call: string; readonly last_seq: number }
  | { readonly op: "pong"; readonly id: number | string }
  | { readonly op: "error"; readonly code: string; readonly message: string; readonly call?: string };

/** One message, or null where it is none that this console understands. */
export function readMessage(data: unknown): ServerMessage | null {
  if (typeof data !== "string") return null;
  let document: unknown;
  try {
    document = JSON.parse(data);
  } catch {
    return null;
  }
  return isRecord(document) && shapes[String(document.op)]?.(document) === true
    ? (document as unknown as ServerMessage)
    : null;
}

/** Whether a document has the head that every event has. */
export function isEvent(document: unknown): document is WireEvent {
  return (
    isRecord(document) &&
    typeof document.call === "string" &&
    Number.isInteger(document.seq) &&
    typeof document.at_ms === "number" &&
    typeof document.type === "string"
  );
}

type Shape = (document: Readonly<Record<string, unknown>>) => boolean;

const shapes: Readonly<Record<string, Shape | undefined>> = {
  calls: (m) => Array.isArray(m.calls) && m.calls.every(isSummary),
  call: (m) => isSummary(m.call),
  events: (m) => typeof m.call === "string" && Array.isArray(m.events) && m.events.every(isEvent),
  caught_up: (m) => typeof m.call === "string" && Number.isInteger(m.last_seq),
  pong: () => true,
  error: (m) => typeof m.code === "string",
};

function isSummary(document: unknown): boolean {
  return isRecord(document) && typeof document.call === "string" && typeof document.started_at === "string";
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
