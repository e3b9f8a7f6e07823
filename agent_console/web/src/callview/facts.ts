/** Facts of a decision in words. */

import { named } from "../i18n/text";
import type { Dictionary } from "../i18n/zh";
import { percent, signed } from "../ui/figures";
import { clock } from "../ui/time";
import type { EventBodies } from "../wire/events";

type Made = EventBodies["decision.made"];

export interface FactLine {
  readonly fact: string;
  readonly name: string;
  readonly value: string;
  readonly evidence: readonly number[];
}

export interface FactLines {
  /** Those that made the rules hold; null where the log does not say which. */
  readonly deciding: readonly FactLine[] | null;
  readonly others: readonly FactLine[];
}

/** What a fact is where a decision does not state it, as JSON. */
const USUAL: Readonly<Record<string, string>> = {
  mode: '"ai_first"',
  negative: "0.0",
  sentiment: "[]",
  escalate: "false",
  asked_for_human: "false",
  emotion: '"settled"',
  repetition: "0",
  negative_turns: "0",
  unclear_turns: "0",
};

/** The facts of a decision, those that decided first. */
export function factLines(made: Made, t: Dictionary, queueName: (id: string) => string): FactLines {
  const known = new Map(made.facts.map((one) => [one.fact, one]));
  const line = (fact: string): FactLine => {
    const found = known.get(fact);
    const value = found?.value ?? USUAL[fact];
    return {
      fact,
      name: named(t.facts.name, fact),
      value: value === undefined ? t.judgement.usual : factValue(fact, value, t, queueName),
      evidence: found?.evidence ?? [],
    };
  };
  const deciding = made.because?.map(line) ?? null;
  const decided = new Set(made.because ?? []);
  const others = made.facts.filter((one) => !decided.has(one.fact)).map((one) => line(one.fact));
  return { deciding, others };
}

/** One value; what cannot be read shows as it came. */
export function factValue(fact: string, json: string, t: Dictionary, queueName: (id: string) => string): string {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    return json;
  }
  if (value === null) return t.facts.unknown;
  if (typeof value === "boolean") return value ? t.facts.yes : t.facts.no;
  if (typeof value === "number") return figure(fact, value, t);
  if (typeof value === "string") return word(fact, value, t);
  if (!Array.isArray(value)) return json;
  if (value.length === 0) return t.facts.none;
  if (fact === "queues") return value.map((one) => load(one, t, queueName) ?? JSON.stringify(one)).join(t.words.and);
  return value.map((one) => (typeof one === "string" ? named(t.facts.sentiment, one) : JSON.stringify(one))).join(t.words.and);
}

function figure(fact: string, value: number, t: Dictionary): string {
  switch (fact) {
    case "confidence":
    case "negative":
    case "risk":
      return `${percent(value)}%`;
    case "at_s":
    case "waited_s":
      return clock(1000 * value);
    case "repetition":
      return t.facts.times(value);
    case "turns":
    case "negative_turns":
    case "unclear_turns":
      return t.facts.turns(value);
    default:
      return signed(value);
  }
}

function word(fact: string, value: string, t: Dictionary): string {
  switch (fact) {
    case "intent":
      return named(t.open.intent, value);
    case "grade":
      return named(t.words.grade, value);
    case "emotion":
      return named(t.words.level, value);
    case "mode":
      return named(t.facts.mode, value);
    case "local_time":
      // Where the business is, as its server wrote it: the reader's own zone would tell another hour.
      return value.slice(0, 16).replace("T", " ");
    default:
      return value;
  }
}

interface Load {
  readonly queue: string;
  readonly open: boolean;
  readonly waiting: number;
  readonly agents: number;
  readonly free: number;
}

function load(one: unknown, t: Dictionary, queueName: (id: string) => string): string | null {
  if (typeof one !== "object" || one === null || !("queue" in one)) return null;
  const { queue, open, waiting, agents, free } = one as Load;
  const name = queueName(queue);
  return open ? t.facts.load(name, waiting, free, agents) : t.facts.closed(name);
}
