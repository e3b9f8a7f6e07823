/** A line of text cut into runs: where key points stand, and which words the recognizer was unsure of. */

import type { EventOf, Word } from "../wire/events";

export const LOW_CONFIDENCE = 0.6;

export interface Run {
  readonly text: string;
  readonly start: number;
  /** The recognizer's confidence where it is low, else null. */
  readonly doubt: number | null;
}

export interface MarkedRuns {
  /** The key point that the runs belong to; null between key points. */
  readonly keyPoint: EventOf<"keypoint.found"> | null;
  readonly runs: readonly Run[];
}

interface Stretch {
  readonly start: number;
  readonly end: number;
  readonly doubt: number;
}

/**
 * Cut a text at its key points and doubtful words.
 *
 * Offsets count characters as Python does (code points, not UTF-16 units). Where key points overlap, the shortest wins,
 * so that an order number stays visible inside the sentence that complains about it.
 */
export function cut(
  text: string,
  words: readonly Word[],
  keyPoints: readonly EventOf<"keypoint.found">[],
): readonly MarkedRuns[] {
  const characters = Array.from(text);
  const doubts = locateDoubts(characters, words);
  const edges = new Set([0, characters.length]);
  for (const one of [...keyPoints, ...doubts]) {
    if (one.start < characters.length) edges.add(one.start);
    if (one.end < characters.length) edges.add(one.end);
  }
  const sorted = [...edges].sort((a, b) => a - b);
  const pieces: { keyPoint: EventOf<"keypoint.found"> | null; runs: Run[] }[] = [];
  for (let index = 0; index + 1 < sorted.length; index += 1) {
    const start = sorted[index] ?? 0;
    const end = sorted[index + 1] ?? start;
    const keyPoint = shortestAt(keyPoints, start);
    const doubt = doubts.find((one) => one.start <= start && start < one.end)?.doubt ?? null;
    const run: Run = { text: characters.slice(start, end).join(""), start, doubt };
    const last = pieces.at(-1);
    if (last?.keyPoint === keyPoint) last.runs.push(run);
    else pieces.push({ keyPoint, runs: [run] });
  }
  return pieces;
}

function shortestAt(
  keyPoints: readonly EventOf<"keypoint.found">[],
  position: number,
): EventOf<"keypoint.found"> | null {
  let best: EventOf<"keypoint.found"> | null = null;
  for (const one of keyPoints) {
    const covers = one.start <= position && position < one.end;
    if (covers && (best === null || one.end - one.start < best.end - best.start)) best = one;
  }
  return best;
}

/**
 * Find the doubtful words in the display text.
 *
 * The text has punctuation and digits that the words lack, so each word is searched onwards from the one before; a word
 * that was rewritten is not found and stays unmarked.
 */
function locateDoubts(characters: readonly string[], words: readonly Word[]): readonly Stretch[] {
  const folded = characters.map((one) => one.toLowerCase());
  const stretches: Stretch[] = [];
  let from = 0;
  for (const word of words) {
    // Some engines hang the punctuation on the word before it; it cannot be doubtful.
    const wanted = Array.from(word.text.toLowerCase().replace(/^[\p{P}\p{Z}]+|[\p{P}\p{Z}]+$/gu, ""));
    if (wanted.length === 0) continue;
    const start = indexOf(folded, wanted, from);
    if (start < 0) continue;
    from = start + wanted.length;
    if (word.confidence !== null && word.confidence < LOW_CONFIDENCE) {
      stretches.push({ start, end: from, doubt: word.confidence });
    }
  }
  return stretches;
}

/** How far ahead a word is looked for; further on it would be another word. */
const LOOK_AHEAD = 12;

function indexOf(haystack: readonly string[], needle: readonly string[], from: number): number {
  const last = Math.min(haystack.length - needle.length, from + LOOK_AHEAD);
  for (let start = from; start <= last; start += 1) {
    if (needle.every((one, offset) => haystack[start + offset] === one)) return start;
  }
  return -1;
}
