/** The decision log as people read it: what one look at the policy led to stands together. */

import type { EventOf, Target } from "../wire/events";
import type { Decision } from "../wire/state";

/** One decision: what the policy came to, and what changed by it. */
export interface Judgement {
  readonly kind: "judgement";
  readonly seqs: readonly number[];
  readonly atMs: number;
  /** What the policy looked at; null in logs of older servers. */
  readonly made: EventOf<"decision.made"> | null;
  readonly route: EventOf<"route.decided"> | null;
  readonly priority: EventOf<"priority.changed"> | null;
  /** Who was to serve before; null at the first decision. */
  readonly before: Target | null;
}

export type StepEvent = Exclude<
  Decision,
  EventOf<"decision.made"> | EventOf<"route.decided"> | EventOf<"priority.changed">
>;

/** Anything else that happened. */
export interface Step {
  readonly kind: "step";
  readonly seqs: readonly number[];
  readonly atMs: number;
  readonly event: StepEvent;
}

export type Entry = Judgement | Step;

/** Entries in order of time; a change belongs to the decision whose events it follows without a gap. */
export function entriesOf(decisions: readonly Decision[]): readonly Entry[] {
  const entries: Entry[] = [];
  let target: Target | null = null;
  for (const one of decisions) {
    const last = entries.at(-1);
    switch (one.type) {
      case "decision.made":
        entries.push({ ...begin(one, target), made: one });
        break;
      case "priority.changed":
      case "route.decided": {
        const open = last?.kind === "judgement" && last.seqs.at(-1) === one.seq - 1 && fits(last, one);
        const entry = open ? { ...last, seqs: [...last.seqs, one.seq] } : begin(one, target);
        if (open) entries.pop();
        entries.push(one.type === "route.decided" ? { ...entry, route: one } : { ...entry, priority: one });
        if (one.type === "route.decided") target = one.target;
        break;
      }
      default:
        entries.push({ kind: "step", seqs: [one.seq], atMs: one.at_ms, event: one });
    }
  }
  return entries;
}

const begin = (one: Decision, before: Target | null): Judgement => ({
  kind: "judgement",
  seqs: [one.seq],
  atMs: one.at_ms,
  made: null,
  route: null,
  priority: null,
  before,
});

const fits = (entry: Judgement, one: EventOf<"priority.changed"> | EventOf<"route.decided">): boolean =>
  one.type === "route.decided" ? entry.route === null : entry.priority === null && entry.route === null;

/** Whether a decision left all as it was and told nobody anything. */
export const changesNothing = (entry: Entry): boolean =>
  entry.kind === "judgement" && entry.route === null && entry.priority === null && (entry.made?.hints ?? []).length === 0;

export interface Ruling {
  readonly rule: string;
  readonly reason: EventOf<"route.decided">["reason"];
  readonly evidence: readonly number[];
}

/** Why: each rule that decided, once. */
export function rulingsOf({ route, priority }: Judgement): readonly Ruling[] {
  const found: Ruling[] = [];
  for (const one of [route, priority]) {
    if (one === null) continue;
    const known = found.findIndex((other) => other.rule === one.rule);
    if (known < 0) {
      found.push({ rule: one.rule, reason: one.reason, evidence: one.evidence });
    } else {
      const ruling = found[known];
      if (ruling === undefined) continue;
      const evidence = [...new Set([...ruling.evidence, ...one.evidence])].sort((a, b) => a - b);
      found[known] = { ...ruling, evidence };
    }
  }
  return found;
}
