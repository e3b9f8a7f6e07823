import { useText } from "../i18n/text";
import type { CallView } from "../wire/state";
import { HintCard } from "./HintCard";

interface HintListProps {
  readonly view: CallView;
  readonly onJump: (segment: number) => void;
}

/** Every hint of a call that is over, newest first. */
export function HintList({ view, onJump }: HintListProps) {
  const { t } = useText();
  if (view.hints.length === 0) return null;
  return (
    <section className="card" data-testid="hint-list">
      <div className="card-head">
        <h2>{t.hints.title}</h2>
        <span className="soft figures">{t.hints.count(view.hints.length)}</span>
      </div>
      <ol className="hint-list" reversed>
        {[...view.hints].reverse().map((one) => (
          <li key={one.seq}>
            <HintCard hint={one} view={view} onJump={onJump} />
          </li>
        ))}
      </ol>
    </section>
  );
}
