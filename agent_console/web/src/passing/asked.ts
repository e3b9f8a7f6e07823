/** Being asked to come to a colleague's call: to be consulted, or to take the caller over. */

import type { LiveSnapshot } from "../live/liveCalls";
import type { CallSummary } from "../wire/events";

export interface Asked {
  readonly call: string;
  readonly by: string;
  readonly to: "consult" | "serve";
  readonly summary: CallSummary;
}

/** The call that somebody asks me to come to; null where nobody does, or where I have come already. */
export function askedOf({ calls }: Pick<LiveSnapshot, "calls">, me: string, onPhone: string | null): Asked | null {
  for (const { summary } of calls.values()) {
    const { asked, call, ended } = summary;
    if (asked?.agent === me && !ended && call !== onPhone) return { call, by: asked.by, to: asked.to, summary };
  }
  return null;
}
