/** The order of the call list and the running time of its calls. */

import type { ListedCall } from "./liveCalls";

/** What leads: how urgent the policy finds a call, or where the caller's distress is heading. */
export type Order = "priority" | "risk";

export interface SortedCalls {
  /** Going on: by the order, its other half breaking ties, then the one that waits longest. */
  readonly live: readonly ListedCall[];
  /** Over: newest first. */
  readonly recent: readonly ListedCall[];
}

export function sortCalls(calls: Iterable<ListedCall>, order: Order = "priority"): SortedCalls {
  const all = [...calls];
  const begun = (one: ListedCall): number => Date.parse(one.summary.started_at) || 0;
  const priority = (a: ListedCall, b: ListedCall): number => b.summary.priority - a.summary.priority;
  const risk = (a: ListedCall, b: ListedCall): number => riskStep(b) - riskStep(a);
  const [first, second] = order === "risk" ? [risk, priority] : [priority, risk];
  return {
    live: all.filter((one) => !one.summary.ended).sort((a, b) => first(a, b) || second(a, b) || begun(a) - begun(b)),
    recent: all.filter((one) => one.summary.ended).sort((a, b) => begun(b) - begun(a)),
  };
}

/** Risk in steps of a tenth: it moves with every utterance, and the list shall not. */
function riskStep({ summary: { risk } }: ListedCall): number {
  return typeof risk === "number" && Number.isFinite(risk) ? Math.round(10 * risk) : 0;
}

const STORED_AS = "warmline.order";

/** The order that the person chose before. */
export const storedOrder = (): Order => (localStorage.getItem(STORED_AS) === "risk" ? "risk" : "priority");

export function storeOrder(order: Order): void {
  localStorage.setItem(STORED_AS, order);
}

/** How long a call lasts by now; a live one runs on from what the server said last. */
export function runningMs(one: ListedCall, now: number, wall: number = Date.now()): number {
  const { summary, receivedAt } = one;
  if (summary.ended) return summary.duration_ms ?? 0;
  if (summary.duration_ms !== null) return summary.duration_ms + Math.max(0, now - receivedAt);
  return Math.max(0, wall - (Date.parse(summary.started_at) || wall));
}
