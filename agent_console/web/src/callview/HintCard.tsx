/** One hint: what was noticed, why, and what one could say. */

import type { ReactNode } from "react";
import { named, useText } from "../i18n/text";
import { HintIcon } from "../ui/icons";
import { clock } from "../ui/time";
import type { CallView } from "../wire/state";
import { Evidence } from "./Evidence";
import { evidenceOf, type Hint } from "./hints";

interface HintCardProps {
  readonly hint: Hint;
  readonly view: CallView;
  readonly onJump: (segment: number) => void;
  /** Stands behind the time. */
  readonly age?: string | undefined;
  /** Stands at the end of the head. */
  readonly children?: ReactNode;
}

export function HintCard({ hint, view, onJump, age, children }: HintCardProps) {
  const { t, pick } = useText();
  const targets = evidenceOf(hint, view.segments);
  const target = targets.at(-1);
  const kind = named(t.words.hint, hint.kind);
  return (
    <article className="hint" data-testid="hint" data-kind={hint.kind} data-seq={hint.seq}>
      <span className="hint-sign">
        <HintIcon kind={hint.kind} />
      </span>
      <div className="hint-head">
        <h3>
          {target === undefined ? (
            kind
          ) : (
            <button type="button" className="hint-jump" title={t.hints.jump} onClick={() => onJump(target)} data-testid="hint-jump">
              {kind}
            </button>
          )}
        </h3>
        <span className="soft figures">
          <time>{clock(hint.span.end_ms)}</time>
          {age === undefined ? "" : ` · ${age}`}
        </span>
        {children}
      </div>
      <p className="hint-say">
        <span className="visually-hidden">{t.hints.say} </span>
        {pick(hint.suggestion)}
      </p>
      <p className="hint-why soft">
        <span>{pick(hint.reason)}</span>
        <Evidence view={view} segments={targets} onJump={onJump} />
      </p>
    </article>
  );
}
