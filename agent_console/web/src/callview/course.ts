/** The emotional course of a call, read from its view. */

import type { Dictionary } from "../i18n/zh";
import { clock } from "../ui/time";
import { isUnknown, type EmotionScore } from "../wire/events";
import type { CallView, SegmentView } from "../wire/state";

/** A value of the curve and its standard deviation; null where no figure for it came. */
export interface Estimate {
  readonly value: number;
  readonly sd: number | null;
}

export interface EmotionPoint {
  readonly segment: number;
  /** Media time: the end of the utterance. */
  readonly atMs: number;
  readonly startMs: number;
  readonly score: EmotionScore;
  /** Of the curve at this point, not of the utterance alone. */
  readonly arousal: Estimate;
  readonly valence: Estimate;
  /** Judged by tone alone; replaced once the words are there. */
  readonly provisional: boolean;
}

/** The points of the curve in order of time. */
export function emotionPoints(segments: CallView["segments"]): readonly EmotionPoint[] {
  const points: EmotionPoint[] = [];
  for (const one of segments.values()) {
    if (one.emotion === null) continue;
    points.push({
      segment: one.id,
      atMs: one.span?.end_ms ?? one.startMs,
      startMs: one.startMs,
      score: one.emotion,
      arousal: estimate(one.emotion.curve_arousal, one.emotion.curve_arousal_sd),
      valence: estimate(one.emotion.curve_valence, one.emotion.curve_valence_sd),
      provisional: one.emotion.basis === "tone",
    });
  }
  return points.sort((a, b) => a.atMs - b.atMs);
}

function estimate(value: number, sd: number | null | undefined): Estimate {
  return { value, sd: isUnknown(sd) ? null : Math.max(0, sd) };
}

/** The course in one plain sentence, for example `情绪：平稳 → 紧张 (00:42)`. */
export function courseSentence(view: CallView, t: Dictionary): string {
  const first = view.shifts[0];
  if (first === undefined) {
    const judged = [...view.segments.values()].some((one) => one.emotion !== null);
    return t.emotion.sentence(judged ? t.emotion.steady(t.words.level[view.level]) : t.emotion.none);
  }
  const steps = view.shifts.map((shift) => `${t.words.level[shift.current]} (${clock(shift.atMs)})`);
  return t.emotion.sentence([t.words.level[first.previous], ...steps].join(" → "));
}

/** The newest caller utterance with a score. */
export function newestScored(view: CallView): SegmentView | null {
  let newest: SegmentView | null = null;
  for (const one of view.segments.values()) if (one.emotion !== null) newest = one;
  return newest;
}

/** The utterance that is heard at a moment of the recording: the one that began last among those that hold it. */
export function segmentAt(view: CallView, atMs: number): number | null {
  let found: number | null = null;
  for (const one of view.segments.values()) {
    if (one.span !== null && one.span.start_ms <= atMs && atMs < one.span.end_ms) found = one.id;
  }
  return found;
}
