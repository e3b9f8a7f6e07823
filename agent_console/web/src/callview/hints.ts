/** Coaching hints, read from a call's view. */

import type { EventOf } from "../wire/events";
import type { CallView } from "../wire/state";

export type Hint = EventOf<"coaching.hinted">;

/** The utterances to look at: those that the hint names, else the last one that had begun by then. */
export function evidenceOf(hint: Hint, segments: CallView["segments"]): readonly number[] {
  const known = hint.evidence.filter((one) => segments.has(one));
  if (known.length > 0) return known;
  let last: number | null = null;
  for (const one of segments.values()) if (one.startMs < hint.span.end_ms) last = one.id;
  return last === null ? [] : [last];
}

export interface Mark {
  /** Pixels from the left. */
  readonly at: number;
  readonly hints: readonly Hint[];
}

/** Marks on a timeline, joined where they would lie on one another. */
export function joinMarks(hints: readonly Hint[], place: (ms: number) => number, leastPx: number): readonly Mark[] {
  const marks: { at: number; hints: Hint[] }[] = [];
  for (const hint of [...hints].sort((a, b) => a.span.end_ms - b.span.end_ms)) {
    const at = place(hint.span.end_ms);
    const last = marks.at(-1);
    if (last !== undefined && at - last.at < leastPx) last.hints.push(hint);
    else marks.push({ at, hints: [hint] });
  }
  return marks;
}
