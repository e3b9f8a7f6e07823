/**
 * The emotion curve as shapes to draw: stretches that hang together, and the gaps between them.
 *
 * A curve is drawn only where the caller spoke. Where nothing was heard of the caller for long, nothing is known, so the
 * line ends and begins anew instead of claiming a course. A stretch begins with the start of its first utterance, so
 * that one utterance alone has an extent, too.
 */

import type { EmotionPoint, Estimate } from "./course";

/** Silence of the caller from which on no line is drawn; the same as the pipeline's `prosody.curve.GAP_S`. */
export const GAP_MS = 20_000;

export interface Vertex {
  readonly atMs: number;
  readonly value: number;
  /** The band of one standard deviation, within [-1, 1]; the line itself where it is not known. */
  readonly low: number;
  readonly high: number;
}

export interface Stretch {
  readonly segments: readonly number[];
  readonly arousal: readonly Vertex[];
  readonly valence: readonly Vertex[];
}

export interface Gap {
  readonly startMs: number;
  readonly endMs: number;
}

export interface CurveShape {
  readonly stretches: readonly Stretch[];
  readonly gaps: readonly Gap[];
  /** Whether any point has an uncertainty; recordings of older servers have none. */
  readonly banded: boolean;
}

/** Whether anything is known at a point. Where a whole log tells no uncertainty, its values are all there is. */
export const isKnown = ({ arousal, valence }: EmotionPoint, banded: boolean): boolean =>
  !banded || arousal.sd !== null || valence.sd !== null;

/** Cut the points of a curve, in order of time, into stretches. A point of which nothing is known is on none. */
export function curveShape(points: readonly EmotionPoint[], gapMs = GAP_MS): CurveShape {
  const banded = points.some((one) => isKnown(one, true));
  const runs: EmotionPoint[][] = [[]];
  const gaps: Gap[] = [];
  let before: EmotionPoint | undefined;
  for (const point of points) {
    if (before !== undefined && point.startMs - before.atMs >= gapMs) {
      gaps.push({ startMs: before.atMs, endMs: point.startMs });
      runs.push([]);
    }
    if (isKnown(point, banded)) runs.at(-1)?.push(point);
    before = point;
  }
  return {
    banded,
    gaps,
    stretches: runs.filter((run) => run.length > 0).map((run) => ({
      segments: run.map((one) => one.segment),
      arousal: vertices(run, "arousal", banded),
      valence: vertices(run, "valence", banded),
    })),
  };
}

function vertices(run: readonly EmotionPoint[], dimension: "arousal" | "valence", banded: boolean): readonly Vertex[] {
  const ends = run.map((one) => vertex(one.atMs, one[dimension], banded));
  const first = run[0];
  return first === undefined || first.startMs >= first.atMs
    ? ends
    : [vertex(first.startMs, first[dimension], banded), ...ends];
}

/** In a call whose uncertainty is told, a value without one could lie anywhere. */
function vertex(atMs: number, { value, sd }: Estimate, banded: boolean): Vertex {
  const half = sd ?? (banded ? 1 : 0);
  return { atMs, value, low: Math.max(-1, value - half), high: Math.min(1, value + half) };
}

/** Columns as the plot wants them: times, arousal, valence; null breaks the line. */
export type Columns = [number[], (number | null)[], (number | null)[]];

export function columns(shape: CurveShape): Columns {
  const table: Columns = [[], [], []];
  let endMs: number | null = null;
  for (const stretch of shape.stretches) {
    const startMs = stretch.arousal[0]?.atMs;
    if (endMs !== null && startMs !== undefined) push(table, (endMs + startMs) / 2, null, null);
    endMs = stretch.arousal.at(-1)?.atMs ?? endMs;
    for (const [at, vertex] of stretch.arousal.entries()) {
      push(table, vertex.atMs, vertex.value, stretch.valence[at]?.value ?? null);
    }
  }
  return table;
}

function push(table: Columns, atMs: number, arousal: number | null, valence: number | null): void {
  table[0].push(atMs / 1000);
  table[1].push(arousal);
  table[2].push(valence);
}
