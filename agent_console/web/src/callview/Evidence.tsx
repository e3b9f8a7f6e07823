/** Links from a decision to the utterances it rests on. */

import { useText } from "../i18n/text";
import { clock } from "../ui/time";
import type { CallView } from "../wire/state";

interface EvidenceProps {
  readonly view: CallView;
  readonly segments: readonly number[];
  readonly onJump: (segment: number) => void;
  /** Leave out the word before the links. */
  readonly bare?: boolean;
}

export function Evidence({ view, segments, onJump, bare = false }: EvidenceProps) {
  const { t } = useText();
  if (segments.length === 0) return null;
  return (
    <span className="evidence">
      {bare ? null : <span className="evidence-word">{t.call.evidence}</span>}
      {segments.map((segment) => {
        const time = clock(view.segments.get(segment)?.startMs ?? 0);
        return (
          <button
            key={segment}
            type="button"
            className="evidence-link"
            aria-label={t.call.evidenceLink(time)}
            data-testid="evidence"
            data-evidence={segment}
            onClick={() => onJump(segment)}
          >
            {time}
          </button>
        );
      })}
    </span>
  );
}
