/** What rules tell whoever serves, above the conversation: it stays until it is put away. */

import { useText } from "../i18n/text";
import { InfoIcon } from "../ui/icons";
import type { CallView } from "../wire/state";
import { Evidence } from "./Evidence";
import { PutAway, Shelf } from "./Shelf";
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
  const announced = live && newest !== undefined ? t.advice.announced(pick(newest.text)) : "";
  return (
    <Shelf kind="advice" label={t.advice.title} announced={announced} testId="advice-bar" announcerTestId="advice-announcer">
      {shown.length === 0 ? null : (
        <ul>
          {shown.map((one) => (
            <li key={`${one.seq} ${one.index}`} data-testid="advice" data-seq={one.seq}>
              <InfoIcon />
              <p>
                <span className="advice-from">{t.advice.title}</span> {pick(one.text)}{" "}
                <Evidence view={view} segments={one.segment === null ? [] : [one.segment]} onJump={onJump} />
              </p>
              <PutAway label={t.advice.dismiss} onPress={() => dismiss(one.seq)} testId="advice-dismiss" />
            </li>
          ))}
        </ul>
      )}
    </Shelf>
  );
}
