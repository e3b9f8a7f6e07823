/** The measurements of one utterance in words, and its melody as a line. */

import type { Dictionary } from "../i18n/zh";
import { percent, plain } from "../ui/figures";
import type { Features } from "../wire/events";

export interface VoiceRow {
  /** Which measurement leads the row. */
  readonly name: string;
  readonly title: string;
  readonly value: string;
}

/** A measurement, or null where there is none, or none that is a number. */
export function measured(features: Features, name: string): number | null {
  const value = features[name];
  return typeof value === "number" && Number.isFinite(value) ? value : null;
}

/** What can be told of a voice; rows of what could not be measured are left out. */
export function voiceRows(features: Features, t: Dictionary): readonly VoiceRow[] {
  const { voice } = t;
  const get = (name: string): number | null => measured(features, name);
  /** The parts that were measured, joined. */
  const parts = (...all: readonly (string | null)[]): string => all.filter((one) => one !== null).join(" · ");
  const say = <T>(value: T | null, text: (value: T) => string): string | null => (value === null ? null : text(value));
  const roughness = [
    say(get("jitter_local"), (it) => voice.jitter(plain(100 * it, 1))),
    say(get("shimmer_local"), (it) => voice.shimmer(plain(100 * it, 1))),
    say(get("hnr_db"), (it) => voice.hnr(plain(it, 0))),
  ];
  const pauses = get("pause_count");
  const rows: readonly (readonly [string, string, string])[] = [
    ["f0_median_hz", voice.pitch, parts(say(get("f0_median_hz"), (it) => `${plain(it)} Hz`), say(get("f0_final_st"), (it) => voice.final(it, plain(Math.abs(it), 1))))],
    ["f0_range_st", voice.range, parts(say(get("f0_range_st"), (it) => voice.semitones(plain(it, 1))))],
    ["intensity_mean_db", voice.loudness, parts(say(get("intensity_mean_db"), (it) => voice.level(plain(it))), say(get("intensity_range_db"), (it) => voice.spread(plain(it))))],
    ["articulation_rate_hz", voice.pace, parts(say(get("articulation_rate_hz") ?? get("speech_rate_hz"), (it) => voice.syllables(plain(it, 1))))],
    ["pause_count", voice.pauses, parts(say(pauses, (it) => (it === 0 ? voice.noPause : voice.pause(it, percent(get("pause_ratio") ?? 0)))))],
    ["jitter_local", voice.roughness, parts(...roughness)],
    ["centroid_hz", voice.brightness, parts(say(get("centroid_hz"), (it) => `${plain(it / 1000, 1)} kHz`), say(get("spectral_tilt_db"), (it) => voice.tilt(plain(it))))],
  ];
  return rows.filter(([, , value]) => value !== "").map(([name, title, value]) => ({ name, title, value }));
}

export interface Melody {
  readonly lowHz: number;
  readonly highHz: number;
  readonly firstHz: number;
  readonly lastHz: number;
  /** Voiced stretches; `x` from 0 to 1 over the utterance, `y` from 0 (top) to 1. */
  readonly stretches: readonly (readonly (readonly [x: number, y: number])[])[];
}

/** Half of the least height of the picture, in semitones, so that a level voice looks level. */
const LEAST_HALF_ST = 4;

/** The F0 contour as stretches to draw, on a scale of semitones; null where nothing is voiced. */
export function melody(features: Features): Melody | null {
  const contour = features.f0_contour_hz;
  if (!Array.isArray(contour)) return null;
  const heard = (contour as readonly unknown[]).map((one) => (typeof one === "number" && one > 0 ? one : null));
  const voiced = heard.filter((one) => one !== null);
  const [firstHz, lastHz] = [voiced[0], voiced.at(-1)];
  if (firstHz === undefined || lastHz === undefined) return null;
  const [lowHz, highHz] = [Math.min(...voiced), Math.max(...voiced)];
  const semitones = (hz: number): number => 12 * Math.log2(hz);
  const middle = (semitones(lowHz) + semitones(highHz)) / 2;
  const half = Math.max(LEAST_HALF_ST, semitones(highHz) - middle);
  const stretches: (readonly [number, number])[][] = [];
  let open: (readonly [number, number])[] | null = null;
  for (const [index, hz] of heard.entries()) {
    if (hz === null) {
      open = null;
      continue;
    }
    if (open === null) stretches.push((open = []));
    open.push([heard.length === 1 ? 0.5 : index / (heard.length - 1), (1 - (semitones(hz) - middle) / half) / 2]);
  }
  return { lowHz, highHz, firstHz, lastHz, stretches };
}
