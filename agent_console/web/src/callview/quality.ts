/** What a measurement of the audio means, in one word. */

import { plain } from "../ui/figures";
import type { EventOf } from "../wire/events";

export type QualityWord = "good" | "fair" | "poor" | "bad";

/** Bounds of satisfaction on the scale of ITU-T G.107 (2015), Annex B: satisfied, some not, many not. */
const GOOD = 4.03;
const FAIR = 3.6;
const POOR = 3.1;

export function qualityWord(mos: number): QualityWord {
  if (mos >= GOOD) return "good";
  if (mos >= FAIR) return "fair";
  return mos >= POOR ? "poor" : "bad";
}

export const BARS: Readonly<Record<QualityWord, number>> = { good: 4, fair: 3, poor: 2, bad: 1 };

export interface QualityFigures {
  readonly loss: string;
  readonly late: string;
  readonly concealed: string;
  readonly jitter: string;
  readonly delay: string;
  /** Null until a report has told. */
  readonly roundTrip: string | null;
  readonly mos: string;
}

/** The numbers behind the word, written for people. */
export function qualityFigures(one: EventOf<"media.measured">): QualityFigures {
  const share = (value: number): string => `${plain(100 * value, 1)}%`;
  const ms = (value: number): string => `${plain(value)} ms`;
  return {
    loss: share(one.loss),
    late: share(one.late),
    concealed: share(one.concealed),
    jitter: ms(one.jitter_ms),
    delay: ms(one.delay_ms),
    roundTrip: one.round_trip_ms === null ? null : ms(one.round_trip_ms),
    mos: plain(one.mos, 1),
  };
}
