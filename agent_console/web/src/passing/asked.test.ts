import { expect, it } from "vitest";
import type { CallSummary } from "../wire/events";
import { askedOf } from "./asked";

const listed = (call: string, change: Partial<CallSummary>) =>
  [call, { summary: { call, ended: false, asked: null, ...change } as CallSummary, receivedAt: 0 }] as const;
const asked = { agent: "lin", by: "mei", to: "consult" } as const;

it("is the call that I am asked about, and not one that I am on, that is over, or that others are asked about", () => {
  const calls = new Map([
    listed("c1", {}),
    listed("c2", { asked: { ...asked, agent: "hua" } }),
    listed("c3", { asked, ended: true }),
    listed("c4", { asked }),
  ]);
  expect(askedOf({ calls }, "lin", null)).toMatchObject({ call: "c4", by: "mei", to: "consult" });
  expect(askedOf({ calls }, "lin", "c4")).toBeNull();
  expect(askedOf({ calls }, "mei", null)).toBeNull();
});
