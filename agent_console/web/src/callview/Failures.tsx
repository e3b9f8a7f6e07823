import { named, useText } from "../i18n/text";
import { WarningIcon } from "../ui/icons";
import type { CallView } from "../wire/state";
import type { EventOf } from "../wire/events";
import { Evidence } from "./Evidence";

/** How many of the latest utterances a failure links to. */
const LINKS = 3;

interface FailuresProps {
  readonly view: CallView;
  readonly onJump: (segment: number) => void;
}

interface Kind {
  readonly stage: string;
  readonly code: string;
  /** In the order in which it failed for them. */
  readonly segments: readonly number[];
  /** Whether it failed for good. */
  readonly whole: boolean;
}

/** The same failure of many utterances is one thing to know. */
export function kinds(failures: readonly EventOf<"stage.failed">[]): readonly Kind[] {
  const found = new Map<string, Kind>();
  for (const { stage, code, segment } of failures) {
    const key = `${stage} ${code}`;
    const before = found.get(key) ?? { stage, code, segments: [], whole: false };
    const segments = segment === null ? before.segments : [...before.segments, segment];
    found.set(key, { ...before, segments, whole: before.whole || segment === null });
  }
  return [...found.values()];
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
            {kinds(view.failures).map(({ stage, code, segments, whole }) => (
              <li key={`${stage} ${code}`} title={code} data-testid="failure">
                {t.failures.one(named(t.words.stage, stage), named(t.failures.codes, code))}{" "}
                {whole ? <span className="soft">{t.failures.whole}</span> : null}
                {segments.length > LINKS ? <span className="soft">{t.failures.times(segments.length)} </span> : null}
                <Evidence view={view} segments={segments.slice(-LINKS)} onJump={onJump} bare />
              </li>
            ))}
          </ul>
        </>
      )}
      {view.dropped.length === 0 ? null : <p>{t.failures.dropped(view.dropped.length, (lostMs / 1000).toFixed(1))}</p>}
    </section>
  );
}
