/** What a measurement of the audio means, in one word. */

import { plain } from "../ui/figures";
import type { EventOf } from "../wire/events";
import { legOf } from "../wire/people";
import type { CallView } from "../wire/state";

export type QualityWord = "good" | "fair" | "poor" | "bad" | "unknown";

/** Bounds of satisfaction on the scale of ITU-T G.107 (2015), Annex B: satisfied, some not, many not. */
const GOOD = 4.03;
const FAIR = 3.6;
const POOR = 3.1;

export function qualityWord(mos: number | null): QualityWord {
  if (mos === null) return "unknown";
  if (mos >= GOOD) return "good";
  if (mos >= FAIR) return "fair";
  return mos >= POOR ? "poor" : "bad";
}

export const BARS: Readonly<Record<QualityWord, number>> = { good: 4, fair: 3, poor: 2, bad: 1, unknown: 0 };

/** Written for people; null is what was not measured. */
export interface QualityFigures {
  readonly loss: string | null;
  readonly lostThere: string | null;
  readonly late: string | null;
  readonly concealed: string | null;
  readonly jitter: string | null;
  readonly delay: string | null;
  readonly roundTrip: string | null;
  readonly mos: string | null;
}

/** The numbers behind the word. */
export function qualityFigures(one: EventOf<"media.measured">): QualityFigures {
  const known = (value: number | null, write: (value: number) => string): string | null =>
    value === null ? null : write(value);
  const share = (value: number): string => `${plain(100 * value, 1)}%`;
  const ms = (value: number): string => `${plain(value)} ms`;
  return {
    loss: known(one.loss, share),
    lostThere: known(one.lost_there ?? null, share),
    late: known(one.late, share),
    concealed: known(one.concealed, share),
    jitter: known(one.jitter_ms, ms),
    delay: known(one.delay_ms, ms),
    roundTrip: known(one.round_trip_ms, ms),
    mos: known(one.mos, (value) => plain(value, 1)),
  };
}

/** Legs are measured every five seconds; by then the first measurement is there. */
const MEASURED_BY_MS = 12_000;

/** Whether the caller's audio is not measured at all: a line that counts nothing, or a log of an older server. */
export function isUnmeasured({ started, people, atMs }: CallView): boolean {
  if (started === null || started.channel === "replay" || atMs < MEASURED_BY_MS) return false;
  return !people.quality.has(legOf("caller", null));
}
