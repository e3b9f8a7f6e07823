import { expect, it } from "vitest";
import type { CallSummary } from "../wire/events";
import { askedOf, isAsked, isConsulted } from "./asked";

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

it("asks me back to a consultation whose line I have lost, unless this page is coming back by itself", () => {
  const consulted = { agent: "lin", by: "mei", awaited: true } as const;
  const calls = new Map([
    listed("c1", { consulted: { ...consulted, awaited: false } }),
    listed("c2", { consulted: { ...consulted, agent: "hua" } }),
    listed("c3", { consulted }),
  ]);
  expect(askedOf({ calls }, "lin", null)).toMatchObject({ call: "c3", by: "mei", to: "consult", again: true });
  expect(askedOf({ calls }, "lin", null, "c3")).toBeNull();
  expect(askedOf({ calls }, "lin", "c3")).toBeNull();
});

it("knows where I am consulted, on the line or away, and where I am only asked", () => {
  const consulted = { agent: "lin", by: "mei", awaited: false } as const;
  const calls = new Map([
    listed("c1", { consulted }),
    listed("c2", { consulted: { ...consulted, awaited: true } }),
    listed("c3", { consulted, ended: true }),
    listed("c4", { asked }),
  ]);
  expect(["c1", "c2", "c3", "c4", "c5"].filter((one) => isConsulted({ calls }, "lin", one))).toEqual(["c1", "c2"]);
  expect(["c1", "c4", "c5"].filter((one) => isAsked({ calls }, "lin", one))).toEqual(["c4"]);
  expect(isConsulted({ calls }, "mei", "c1")).toBe(false);
});
