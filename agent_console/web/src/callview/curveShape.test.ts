import { describe, expect, it } from "vitest";
import { Log, say, score, tracked } from "../testing/events";
import type { EmotionScore, WireEvent } from "../wire/events";
import { fold } from "../wire/fold";
import { emptyView } from "../wire/state";
import { emotionPoints } from "./course";
import { columns, curveShape } from "./curveShape";

type Said = readonly [startS: number, endS: number, mood: EmotionScore];

function spoken(...utterances: readonly Said[]): readonly WireEvent[] {
  const log = new Log();
  utterances.forEach(([start, end, mood], segment) => say(log, segment, start, end, mood));
  return log.events;
}

const shapeOf = (events: readonly WireEvent[]) =>
  curveShape(emotionPoints(fold(emptyView("c1"), events).view.segments));

const calm = tracked(0.1, -0.1, 0.2, 0.1);

describe("gaps", () => {
  it("draws one line while the caller pauses for less than twenty seconds", () => {
    const shape = shapeOf(spoken([0, 3, calm], [22.9, 25, calm]));
    expect(shape.gaps).toEqual([]);
    expect(shape.stretches.map((one) => one.segments)).toEqual([[0, 1]]);
  });

  it("interrupts the curve from twenty seconds of the caller's silence on", () => {
    const shape = shapeOf(spoken([0, 3, calm], [23, 25, calm], [26, 27, calm], [60, 62, calm]));
    expect(shape.gaps).toEqual([
      { startMs: 3000, endMs: 23_000 },
      { startMs: 27_000, endMs: 60_000 },
    ]);
    expect(shape.stretches.map((one) => one.segments)).toEqual([[0], [1, 2], [3]]);
  });

  it("gives a lone utterance its own extent, and breaks the plotted line", () => {
    const shape = shapeOf(spoken([1, 3, calm], [40, 44, tracked(0.5, -0.4, 0.3, 0.4)]));
    expect(columns(shape)).toEqual([
      [1, 3, 21.5, 40, 44],
      [0.1, 0.1, null, 0.5, 0.5],
      [-0.1, -0.1, null, -0.4, -0.4],
    ]);
  });

  it("has nothing to draw where nobody was scored", () => {
    expect(columns(shapeOf([]))).toEqual([[], [], []]);
  });
});

describe("uncertainty", () => {
  it("is a band of one standard deviation that stays on the plane", () => {
    const { stretches, banded } = shapeOf(spoken([0, 2, tracked(0.9, -0.2, 0.3, 0)]));
    expect(banded).toBe(true);
    expect(stretches[0]?.arousal.at(-1)).toEqual({ atMs: 2000, value: 0.9, low: 0.9 - 0.3, high: 1 });
    expect(stretches[0]?.valence.at(-1)).toEqual({ atMs: 2000, value: -0.2, low: -0.5, high: -0.2 + 0.3 });
  });

  it("leaves a point of which nothing is known out of the curve", () => {
    const shape = shapeOf(spoken([0, 2, tracked(0, 0, 1, 0)], [3, 5, calm]));
    expect(shape.stretches.map((one) => one.segments)).toEqual([[1]]);
    expect(columns(shape)[0]).toEqual([3, 5]);
  });

  it("keeps pieces apart where such a point stands before a gap", () => {
    const nothing = tracked(0, 0, 1, 0);
    const shape = shapeOf(spoken([0, 2, nothing], [30, 32, calm], [60, 61, nothing], [90, 92, calm]));
    expect(shape.gaps).toHaveLength(3);
    expect(shape.stretches.map((one) => one.segments)).toEqual([[1], [3]]);
    expect(columns(shape)).toEqual([
      [30, 32, 61, 90, 92],
      [0.1, 0.1, null, 0.1, 0.1],
      [-0.1, -0.1, null, -0.1, -0.1],
    ]);
  });

  it("reaches one unit either way where only one of the two is known", () => {
    const half = { ...calm, curve_valence_sd: 1 };
    const { stretches } = shapeOf(spoken([0, 2, half], [3, 5, calm]));
    expect(stretches[0]?.arousal[0]).toMatchObject({ low: -0.1, high: 0.1 + 0.2 });
    expect(stretches[0]?.valence[0]).toMatchObject({ low: -1, high: 0.9 });
  });

  it("is not drawn for logs without it, whether the figure is missing, null or says nothing", () => {
    const without = score("tone_and_words");
    const moods = [without, { ...without, curve_arousal_sd: null, curve_valence_sd: null }, tracked(0.2, 0, 1, 0)];
    for (const mood of moods) expect(shapeOf(spoken([0, 2, mood])).banded).toBe(false);
  });
});

it("is the same streamed and redrawn, however the events came", () => {
  const events = spoken([0, 3, calm], [4, 7, tracked(0.5, -0.3, 0.2, 0.5)], [31, 33, tracked(0.8, -0.7, 0.2, 0.9)]);
  const whole = shapeOf(events);
  expect(whole.stretches).toHaveLength(2);
  for (let cut = 0; cut <= events.length; cut += 1) {
    const first = fold(emptyView("c1"), events.slice(0, cut)).view;
    const view = fold(first, events.slice(Math.max(0, cut - 3))).view;
    expect(curveShape(emotionPoints(view.segments))).toEqual(whole);
  }
});
