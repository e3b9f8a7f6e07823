/** Why the emotion shifted, in words. */

import { named } from "../i18n/text";
import type { Dictionary } from "../i18n/zh";

/** For example `arousal_high+valence_low` as `激动、不快`. */
export function shiftReason(reason: string, t: Dictionary): string {
  return reason
    .split("+")
    .map((part) => named(t.open.shift, part))
    .join(t.words.and);
}
