import { expect, it } from "vitest";
import { summary } from "../testing/events";
import { runningMs, sortCalls, type Order } from "./order";

const listed = (change: Parameters<typeof summary>[0]) => ({ summary: summary(change), receivedAt: 1000 });

it("puts live calls first by priority, then who waits longest; ended ones newest first", () => {
  const calls = [
    listed({ call: "old", ended: true, started_at: "2026-11-22T07:00:00Z", priority: 90 }),
    listed({ call: "calm", started_at: "2026-11-22T08:00:00Z" }),
    listed({ call: "late", started_at: "2026-11-22T08:05:00Z", priority: 60 }),
    listed({ call: "new", ended: true, started_at: "2026-11-22T07:30:00Z" }),
    listed({ call: "early", started_at: "2026-11-22T08:01:00Z", priority: 60 }),
  ];
  const { live, recent } = sortCalls(calls);
  expect(live.map((one) => one.summary.call)).toEqual(["early", "late", "calm"]);
  expect(recent.map((one) => one.summary.call)).toEqual(["new", "old"]);
});

it("lets risk break ties of priority, and lead where the supervisor wants it to", () => {
  const calls = [
    listed({ call: "calm", priority: 60, risk: 0.04 }),
    listed({ call: "urgent", priority: 90, risk: 0.1 }),
    listed({ call: "rising", priority: 60, risk: 0.81 }),
    listed({ call: "unknown", priority: 60 }),
    listed({ call: "null", priority: 60, risk: null, started_at: "2026-11-22T07:59:00Z" }),
  ];
  const names = (order: Order) => sortCalls(calls, order).live.map((one) => one.summary.call);
  expect(names("priority")).toEqual(["urgent", "rising", "null", "calm", "unknown"]);
  expect(names("risk")).toEqual(["rising", "urgent", "null", "calm", "unknown"]);
});

it("does not shuffle calls whose risk differs by little", () => {
  const calls = [
    listed({ call: "first", risk: 0.51, started_at: "2026-11-22T08:00:00Z" }),
    listed({ call: "second", risk: 0.54, started_at: "2026-11-22T08:01:00Z" }),
  ];
  expect(sortCalls(calls, "risk").live.map((one) => one.summary.call)).toEqual(["first", "second"]);
});

it("lets a live call's time run on, and an ended one's stand", () => {
  expect(runningMs(listed({ duration_ms: 5000 }), 3500)).toBe(7500);
  expect(runningMs(listed({ duration_ms: 5000, ended: true }), 3500)).toBe(5000);
  const wall = Date.parse("2026-11-22T08:00:09Z");
  expect(runningMs(listed({ duration_ms: null }), 0, wall)).toBe(9000);
  expect(runningMs(listed({ started_at: "2026-11-22T09:00:00Z" }), 0, wall)).toBe(0);
});
