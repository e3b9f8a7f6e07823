import { expect, it } from "vitest";
import { en } from "../i18n/en";
import { zh } from "../i18n/zh";
import type { Features } from "../wire/events";
import { melody, voiceRows } from "./voiceRows";

const features: Features = {
  f0_median_hz: 242.7,
  f0_final_st: -2.14,
  f0_range_st: 9.44,
  intensity_mean_db: -19.4,
  articulation_rate_hz: 6.3,
  pause_count: 2,
  pause_ratio: 0.138,
  jitter_local: 0.0142,
  shimmer_local: null,
  hnr_db: 13.6,
  mfcc_mean: [1, 2, 3],
};

it("says what was measured, with units, in both languages", () => {
  expect(Object.fromEntries(voiceRows(features, en).map((one) => [one.title, one.value]))).toEqual({
    Pitch: "243 Hz · falls 2.1 semitones at the end",
    "Pitch range": "9.4 semitones",
    Loudness: "−19 dB (0 is the loudest)",
    Pace: "6.3 syllables per second",
    Pauses: "2, 14% of the time",
    Roughness: "jitter 1.4% · harmonics over noise 14 dB",
  });
  expect(voiceRows(features, zh)[0]?.value).toBe("243 Hz · 句尾下降 2.1 个半音");
});

it("leaves out what could not be measured", () => {
  expect(voiceRows({}, en)).toEqual([]);
  expect(voiceRows({ f0_median_hz: null, hnr_db: Number.NaN, pause_count: 0 }, en).map((one) => one.value)).toEqual([
    "none",
  ]);
});

it("draws the melody in stretches, with gaps where no voice sounds", () => {
  const line = melody({ f0_contour_hz: [null, 200, 210, null, null, 190, null, 220, 230] });
  expect(line).toMatchObject({ lowHz: 190, highHz: 230, firstHz: 200, lastHz: 230 });
  expect(line?.stretches.map((one) => one.map(([x]) => x))).toEqual([[1 / 8, 2 / 8], [5 / 8], [7 / 8, 1]]);
});

it("lets a level voice look level, and a lively one fill the height", () => {
  const heights = (...contour: number[]) => melody({ f0_contour_hz: contour })?.stretches.flat().map(([, y]) => y) ?? [];
  const level = heights(200, 202, 200);
  expect(Math.max(...level) - Math.min(...level)).toBeLessThan(0.05);
  const [low, high] = heights(100, 400);
  expect(low).toBeCloseTo(1);
  expect(high).toBeCloseTo(0);
});

it("draws nothing where nothing is voiced, or where the contour is none", () => {
  expect(melody({ f0_contour_hz: [null, null] })).toBeNull();
  expect(melody({ f0_contour_hz: [] })).toBeNull();
  expect(melody({ f0_contour_hz: 210 })).toBeNull();
  expect(melody({})).toBeNull();
});
