/** The order of the call list and the running time of its calls. */

import type { ListedCall } from "./liveCalls";

export interface SortedCalls {
  /** Going on: highest priority first, then the one that waits longest. */
  readonly live: readonly ListedCall[];
  /** Over: newest first. */
  readonly recent: readonly ListedCall[];
}

export function sortCalls(calls: Iterable<ListedCall>): SortedCalls {
  const all = [...calls];
  const begun = (one: ListedCall): number => Date.parse(one.summary.started_at) || 0;
  return {
    live: all
      .filter((one) => !one.summary.ended)
      .sort((a, b) => b.summary.priority - a.summary.priority || begun(a) - begun(b)),
    recent: all.filter((one) => one.summary.ended).sort((a, b) => begun(b) - begun(a)),
  };
}

/** How long a call lasts by now; a live one runs on from what the server said last. */
export function runningMs(one: ListedCall, now: number, wall: number = Date.now()): number {
  const { summary, receivedAt } = one;
  if (summary.ended) return summary.duration_ms ?? 0;
  if (summary.duration_ms !== null) return summary.duration_ms + Math.max(0, now - receivedAt);
  return Math.max(0, wall - (Date.parse(summary.started_at) || wall));
}
