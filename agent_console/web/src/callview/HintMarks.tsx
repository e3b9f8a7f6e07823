/** Where on the time axis of the curve hints were given. */

import { useEffect, useRef, useState } from "react";
import { named, useText } from "../i18n/text";
import { HintIcon } from "../ui/icons";
import { clock } from "../ui/time";
import type { CallView } from "../wire/state";
import { LEFT, RIGHT, SHORTEST_S } from "./EmotionChart";
import { evidenceOf, joinMarks, type Hint } from "./hints";

interface HintMarksProps {
  readonly view: CallView;
  readonly endMs: number;
  readonly onJump: (segment: number) => void;
}

/** The least size of a target (WCAG 2.2, 2.5.8). */
const MARK_PX = 24;

export function HintMarks({ view, endMs, onJump }: HintMarksProps) {
  const { t } = useText();
  const strip = useRef<HTMLUListElement>(null);
  const [width, setWidth] = useState(0);
  const some = view.hints.length > 0;

  useEffect(() => {
    const element = strip.current;
    if (element === null) return;
    const observer = new ResizeObserver(() => setWidth(element.clientWidth));
    observer.observe(element);
    return () => observer.disconnect();
  }, [some]);

  if (!some) return null;
  const long = Math.max(SHORTEST_S * 1000, endMs);
  const place = (ms: number): number =>
    Math.min(width - MARK_PX, LEFT + (ms / long) * Math.max(0, width - LEFT - RIGHT) - MARK_PX / 2);
  const name = (one: Hint): string => t.hints.mark(clock(one.span.end_ms), named(t.words.hint, one.kind));
  return (
    <ul ref={strip} className="hint-marks" aria-label={t.hints.marks}>
      {joinMarks(view.hints, place, MARK_PX).map(({ at, hints }) => {
        const names = hints.map(name).join("\n");
        // What is said begins with what is seen.
        const label = hints.length === 1 ? names : `${t.hints.count(hints.length)}: ${names}`;
        const first = hints[0];
        const target = first === undefined ? undefined : evidenceOf(first, view.segments).at(-1);
        return (
          <li key={hints[0]?.seq} style={{ transform: `translateX(${at}px)` }}>
            <button
              type="button"
              className="hint-mark"
              title={names}
              aria-label={label}
              disabled={target === undefined}
              onClick={() => {
                if (target !== undefined) onJump(target);
              }}
              data-testid="hint-mark"
              data-hints={hints.length}
            >
              {hints.length === 1 && first !== undefined ? <HintIcon kind={first.kind} /> : hints.length}
            </button>
          </li>
        );
      })}
    </ul>
  );
}
