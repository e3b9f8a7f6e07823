import { expect, it } from "vitest";
import { en } from "../i18n/en";
import { zh } from "../i18n/zh";
import { Log } from "../testing/events";
import type { EventBodies } from "../wire/events";
import { fold } from "../wire/fold";
import { emptyView } from "../wire/state";
import { changesNothing, entriesOf, rulingsOf } from "./decisions";
import { factLines, factValue } from "./facts";

const decisionsOf = (log: Log) => fold(emptyView(log.call), log.events).view.decisions;
const verdict = (rule: string, evidence: readonly number[] = []) => ({
  rule,
  reason: { zh: `因为${rule}`, en: `because ${rule}` },
  evidence,
  policy_version: "7+abc",
});
const made = (change: Partial<EventBodies["decision.made"]> = {}): EventBodies["decision.made"] => ({
  segment: 0,
  target: "ai",
  priority: 0,
  rules: [],
  facts: [],
  policy_version: "7+abc",
  announce: null,
  hints: [],
  ...change,
});
const queueName = (id: string): string => `<${id}>`;

it("puts together what one look at the policy led to, and nothing else", () => {
  const log = new Log()
    .add("decision.made", made())
    .add("route.decided", { target: "ai", ...verdict("start") })
    .add("decision.made", made())
    .add("decision.made", made({ target: "human", priority: 80 }))
    .add("priority.changed", { previous: 0, current: 80, ...verdict("threat", [1]) })
    .add("route.decided", { target: "human", ...verdict("threat", [0, 1]) })
    .add("handover.requested", { ticket: "t", reason: { zh: "", en: "" } })
    .add("priority.changed", { previous: 80, current: 90, ...verdict("older log") });
  const entries = entriesOf(decisionsOf(log));
  expect(entries.map((one) => [one.kind, one.seqs])).toEqual([
    ["judgement", [0, 1]],
    ["judgement", [2]],
    ["judgement", [3, 4, 5]],
    ["step", [6]],
    ["judgement", [7]],
  ]);
  expect(entries.map(changesNothing)).toEqual([false, true, false, false, false]);
  const [first, , third, , last] = entries;
  expect(first).toMatchObject({ before: null });
  expect(third).toMatchObject({ before: "ai", route: { target: "human" } });
  expect(last).toMatchObject({ before: "human", made: null });
  if (third?.kind !== "judgement") throw new Error("The third is a decision.");
  // One rule decided both: it is told once, with all the words that it rests on.
  expect(rulingsOf(third)).toEqual([{ rule: "threat", reason: verdict("threat").reason, evidence: [0, 1] }]);
});

it("does not fold a decision away that tells the agent something", () => {
  const log = new Log().add("decision.made", made({ hints: [{ zh: "先致歉", en: "Apologise" }] }));
  expect(entriesOf(decisionsOf(log)).map(changesNothing)).toEqual([false]);
});

it("lists the facts that decided first, and states the usual value of those that a decision leaves out", () => {
  const facts = [
    { fact: "turns", value: "3", evidence: [2] },
    { fact: "escalate", value: "true", evidence: [2] },
  ];
  const lines = factLines(made({ facts, because: ["escalate", "negative", "called"] }), zh, queueName);
  expect(lines.deciding?.map((one) => [one.name, one.value, one.evidence])).toEqual([
    ["扬言投诉、曝光或起诉", "是", [2]],
    ["负面用词强度", "0%", []],
    ["被叫号码", "平常值", []],
  ]);
  expect(lines.others.map((one) => one.fact)).toEqual(["turns"]);
});

it("takes every fact for one that was known where an older log does not say which decided", () => {
  const lines = factLines(made({ facts: [{ fact: "turns", value: "3", evidence: [] }] }), en, queueName);
  expect(lines.deciding).toBeNull();
  expect(lines.others).toHaveLength(1);
});

it.each([
  ["confidence", "0.874", "87%"],
  ["arousal_trend", "-0.31", "−0.31"],
  ["waited_s", "95.2", "01:35"],
  ["repetition", "1", "1 time"],
  ["grade", '"urgent"', "urgent"],
  ["emotion", '"upset"', "Upset"],
  ["mode", '"human_first"', "people first"],
  ["sentiment", '["threat", "insult"]', "threat, insult"],
  ["sentiment", "[]", "none"],
  ["intent", '"refund_progress"', "Refund status"],
  ["local_time", '"2026-11-24T10:05:00+08:00"', "2026-11-24 10:05"],
  ["queues", '[{"queue":"vip","open":true,"waiting":4,"longest_wait_s":9,"agents":3,"free":0}]', "<vip>: 4 waiting, 0 of 3 free"],
  ["queues", '[{"queue":"vip","open":false}]', "<vip>: closed"],
  ["risk", "null", "unknown"],
  ["a fact of a newer server", '{"deep": 1}', '{"deep": 1}'],
  ["turns", "not JSON <b>", "not JSON <b>"],
  ["queues", "[7]", "7"],
])("writes %s %s as %s", (fact, json, text) => expect(factValue(fact, json, en, queueName)).toBe(text));
