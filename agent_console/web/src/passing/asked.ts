/** Being asked to come to a colleague's call: to be consulted, or to take the caller over. */

import type { LiveSnapshot } from "../live/liveCalls";
import type { CallSummary } from "../wire/events";

type Calls = Pick<LiveSnapshot, "calls">;

export interface Asked {
  readonly call: string;
  readonly by: string;
  readonly to: "consult" | "serve";
  /** Whether I was there already, and have lost the line. */
  readonly again: boolean;
  readonly summary: CallSummary;
}

/**
 * The call that somebody asks me to come to; null where nobody does, or where I have come already.
 *
 * `onPhone` is the call of this page, `returning` the one that it is coming back to by itself.
 */
export function askedOf({ calls }: Calls, me: string, onPhone: string | null, returning: string | null = null): Asked | null {
  for (const { summary } of calls.values()) {
    const { asked, consulted, call, ended } = summary;
    if (ended || call === onPhone || call === returning) continue;
    if (asked?.agent === me) return { call, by: asked.by, to: asked.to, again: false, summary };
    if (consulted?.agent === me && consulted.awaited) return { call, by: consulted.by, to: "consult", again: true, summary };
  }
  return null;
}

/** Whether I am consulted on a call, on the line or expected back. */
export function isConsulted({ calls }: Calls, me: string, call: string): boolean {
  const summary = calls.get(call)?.summary;
  return summary !== undefined && !summary.ended && summary.consulted?.agent === me;
}

/** Whether I am asked to come to a call, and have not been on its line yet. */
export function isAsked({ calls }: Calls, me: string, call: string): boolean {
  const summary = calls.get(call)?.summary;
  return summary !== undefined && !summary.ended && summary.asked?.agent === me;
}
