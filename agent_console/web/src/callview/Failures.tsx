import { named, useText } from "../i18n/text";
import { WarningIcon } from "../ui/icons";
import type { CallView } from "../wire/state";
import { Evidence } from "./Evidence";

interface FailuresProps {
  readonly view: CallView;
  readonly onJump: (segment: number) => void;
}

/** What broke while the call went on, and audio that was lost. */
export function Failures({ view, onJump }: FailuresProps) {
  const { t } = useText();
  if (view.failures.length === 0 && view.dropped.length === 0) return null;
  const lostMs = view.dropped.reduce((sum, one) => sum + one.span.end_ms - one.span.start_ms, 0);
  return (
    <section className="card warning" data-testid="failures">
      {view.failures.length === 0 ? null : (
        <>
          <h2>
            <WarningIcon /> {t.failures.title}
          </h2>
          <ul>
            {view.failures.map((one) => (
              <li key={one.seq}>
                {t.failures.one(named(t.words.stage, one.stage), one.code)}{" "}
                {one.segment === null ? (
                  <span className="soft">{t.failures.whole}</span>
                ) : (
                  <Evidence view={view} segments={[one.segment]} onJump={onJump} bare />
                )}
              </li>
            ))}
          </ul>
        </>
      )}
      {view.dropped.length === 0 ? null : <p>{t.failures.dropped(view.dropped.length, (lostMs / 1000).toFixed(1))}</p>}
    </section>
  );
}
