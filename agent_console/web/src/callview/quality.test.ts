import { expect, it } from "vitest";
import { qualityFigures, qualityWord } from "./quality";

it.each([
  [4.4, "good"],
  [4.03, "good"],
  [4.02, "fair"],
  [3.6, "fair"],
  [3.59, "poor"],
  [3.1, "poor"],
  [3.09, "bad"],
  [1, "bad"],
  [null, "unknown"],
] as const)("calls %s %s", (mos, word) => expect(qualityWord(mos)).toBe(word));

it("writes shares as per cent, times in milliseconds, and says what was not measured", () => {
  const figures = qualityFigures({
    call: "c1",
    seq: 0,
    at_ms: 0,
    type: "media.measured",
    party: "caller",
    agent: null,
    loss: 0.0625,
    late: 0,
    concealed: 0.051,
    jitter_ms: 11.4,
    delay_ms: null,
    round_trip_ms: null,
    mos: 3.44,
    lost_there: 0.25,
  });
  expect(figures).toEqual({
    loss: "6.3%",
    lostThere: "25.0%",
    late: "0.0%",
    concealed: "5.1%",
    jitter: "11 ms",
    delay: null,
    roundTrip: null,
    mos: "3.4",
  });
});
