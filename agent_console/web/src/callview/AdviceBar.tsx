/** What rules tell whoever serves, above the conversation: it stays until it is put away. */

import { useText } from "../i18n/text";
import { CloseIcon, InfoIcon } from "../ui/icons";
import type { CallView } from "../wire/state";
import { Evidence } from "./Evidence";
import { useDismissed } from "./useDismissed";

interface AdviceBarProps {
  readonly view: CallView;
  /** Whether what comes now is new and worth announcing. */
  readonly live: boolean;
  readonly onJump: (segment: number) => void;
}

export function AdviceBar({ view, live, onJump }: AdviceBarProps) {
  const { t, pick } = useText();
  const [dismissed, dismiss] = useDismissed(view.call);
  const shown = view.advice.filter((one) => !dismissed.has(one.seq));
  const newest = view.advice.at(-1);
  return (
    <section className="advice" aria-label={t.advice.title} data-testid="advice-bar">
      {shown.length === 0 ? null : (
        <ul>
          {shown.map((one) => (
            <li key={`${one.seq} ${one.index}`} data-testid="advice" data-seq={one.seq}>
              <InfoIcon />
              <p>
                <span className="advice-from">{t.advice.title}</span> {pick(one.text)}{" "}
                <Evidence view={view} segments={one.segment === null ? [] : [one.segment]} onJump={onJump} />
              </p>
              <button
                type="button"
                className="button quiet square small"
                aria-label={t.advice.dismiss}
                title={t.advice.dismiss}
                onClick={() => dismiss(one.seq)}
                data-testid="advice-dismiss"
              >
                <CloseIcon />
              </button>
            </li>
          ))}
        </ul>
      )}
      <p className="visually-hidden" aria-live="polite">
        {live && newest !== undefined ? t.advice.announced(pick(newest.text)) : ""}
      </p>
    </section>
  );
}
