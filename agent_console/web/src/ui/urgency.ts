/** How a priority is coloured; the number itself tells it. */

import type { Level } from "../wire/events";

/** The highest priority there is. */
export const TOP_PRIORITY = 99;

export function urgency(priority: number): Level {
  if (priority >= 70) return "upset";
  return priority >= 40 ? "tense" : "settled";
}
