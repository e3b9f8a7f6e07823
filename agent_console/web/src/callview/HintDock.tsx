/**
 * Hints for the agent while the call lasts: the newest below the conversation, those before it folded away.
 *
 * A hint asks for nothing: it takes no focus, covers nothing, and goes when it is dismissed or a newer one comes.
 */

import { useId, useState } from "react";
import { named, useText } from "../i18n/text";
import type { CallView } from "../wire/state";
import { HintCard } from "./HintCard";
import type { Hint } from "./hints";
import { PutAway, Shelf } from "./Shelf";
import { useDismissed } from "./useDismissed";

interface HintDockProps {
  readonly view: CallView;
  readonly nowMs: number;
  /** Whether what comes now is new and worth announcing. */
  readonly live: boolean;
  readonly onJump: (segment: number) => void;
}

export function HintDock({ view, nowMs, live, onJump }: HintDockProps) {
  const { t, pick } = useText();
  const [dismissed, dismiss] = useDismissed(view.call);
  const [open, setOpen] = useState(false);
  const listId = useId();
  const newest = view.hints.at(-1);
  const shown = newest !== undefined && !dismissed.has(newest.seq) ? newest : null;
  const earlier = view.hints.filter((one) => one !== shown).reverse();
  const age = (one: Hint): string => t.hints.ago(Math.max(0, Math.round((nowMs - one.at_ms) / 1000)));
  const announced =
    live && shown !== null ? t.hints.announced(named(t.words.hint, shown.kind), pick(shown.suggestion)) : "";
  return (
    <Shelf kind="dock" label={t.hints.title} announced={announced} testId="hint-dock" announcerTestId="hint-announcer">
      {shown === null ? null : (
        <HintCard key={shown.seq} hint={shown} view={view} onJump={onJump} age={age(shown)}>
          <PutAway
            label={t.hints.dismiss}
            className="hint-close"
            onPress={() => dismiss(shown.seq)}
            testId="hint-dismiss"
          />
        </HintCard>
      )}
      {earlier.length === 0 ? null : (
        <button
          type="button"
          className="button quiet small dock-more"
          aria-expanded={open}
          aria-controls={open ? listId : undefined}
          onClick={() => setOpen(!open)}
          data-testid="hints-more"
        >
          {open ? t.hints.fold : t.hints.earlier(earlier.length)}
        </button>
      )}
      {open ? (
        <ul id={listId} className="dock-earlier" data-testid="hints-earlier">
          {earlier.map((one) => (
            <li key={one.seq}>
              <HintCard hint={one} view={view} onJump={onJump} age={age(one)} />
            </li>
          ))}
        </ul>
      ) : null}
    </Shelf>
  );
}
