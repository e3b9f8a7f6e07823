import { expect, it } from "vitest";
import { summary } from "../testing/events";
import { runningMs, sortCalls } from "./order";

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

it("lets a live call's time run on, and an ended one's stand", () => {
  expect(runningMs(listed({ duration_ms: 5000 }), 3500)).toBe(7500);
  expect(runningMs(listed({ duration_ms: 5000, ended: true }), 3500)).toBe(5000);
  const wall = Date.parse("2026-11-22T08:00:09Z");
  expect(runningMs(listed({ duration_ms: null }), 0, wall)).toBe(9000);
  expect(runningMs(listed({ started_at: "2026-11-22T09:00:00Z" }), 0, wall)).toBe(0);
});
