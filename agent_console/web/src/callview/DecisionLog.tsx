import { useMemo, useState } from "react";
import { useNames } from "../desk/names";
import { useText } from "../i18n/text";
import { clock } from "../ui/time";
import type { CallView } from "../wire/state";
import { changesNothing, entriesOf, type Entry, type Step } from "./decisions";
import { Evidence } from "./Evidence";
import { JudgementEntry } from "./JudgementEntry";
import { stepLine } from "./stepLine";
import "./decisions.css";

interface DecisionLogProps {
  readonly view: CallView;
  readonly onJump: (segment: number) => void;
  /** Show all of it at once, not only the newest. */
  readonly whole?: boolean;
}

/** So many of the newest entries are shown before somebody asks for more. */
const FEW = 5;

/** What was decided, when and why; newest first. Decisions that left all as it was are folded away. */
export function DecisionLog({ view, onJump, whole = false }: DecisionLogProps) {
  const { t } = useText();
  const [all, setAll] = useState(false);
  const [long, setLong] = useState(whole);
  const entries = useMemo(() => [...entriesOf(view.decisions)].reverse(), [view.decisions]);
  const quiet = entries.filter(changesNothing).length;
  const wanted = all ? entries : entries.filter((one) => !changesNothing(one));
  const shown = long ? wanted : wanted.slice(0, FEW);
  return (
    <section className="card" data-testid="decision-log">
      <div className="card-head">
        <h2>{t.decisions.title}</h2>
        {quiet === 0 ? null : (
          <button
            type="button"
            className="button quiet small"
            aria-pressed={all}
            onClick={() => setAll(!all)}
            data-testid="decisions-all"
          >
            {all ? t.judgement.hideUnchanged : t.judgement.unchanged(quiet)}
          </button>
        )}
      </div>
      {shown.length === 0 ? (
        <p className="soft">{t.decisions.none}</p>
      ) : (
        <ol className="decisions" reversed>
          {shown.map((one) => (
            <li
              key={one.seqs[0]}
              className={`decision decision-${one.kind} ${changesNothing(one) ? "unchanged" : ""}`}
              data-testid="decision"
              data-type={typeOf(one)}
              data-seqs={one.seqs.join(" ")}
            >
              <time className="figures soft">{clock(one.atMs)}</time>
              {one.kind === "judgement" ? (
                <JudgementEntry entry={one} view={view} onJump={onJump} />
              ) : (
                <StepEntry step={one} view={view} onJump={onJump} />
              )}
            </li>
          ))}
        </ol>
      )}
      {wanted.length <= FEW ? null : (
        <button
          type="button"
          className="button quiet small"
          aria-expanded={long}
          onClick={() => setLong(!long)}
          data-testid="decisions-more"
        >
          {long ? t.judgement.fewer : t.judgement.earlier(wanted.length - FEW)}
        </button>
      )}
    </section>
  );
}

const typeOf = (one: Entry): string =>
  one.kind === "step" ? one.event.type : [one.priority?.type, one.route?.type].filter(Boolean).join(" ") || "decision.made";

interface StepEntryProps {
  readonly view: CallView;
  readonly onJump: (segment: number) => void;
  readonly step: Step;
}

function StepEntry({ step, view, onJump }: StepEntryProps) {
  const { t, pick } = useText();
  const names = useNames();
  const { what, why, evidence } = stepLine(step.event, { t, pick, queueName: names.queue });
  return (
    <div>
      <p className="step-what">{what}</p>
      {why === "" && evidence.length === 0 ? null : (
        <p className="decision-why soft">
          <span>{why}</span>
          <Evidence view={view} segments={evidence} onJump={onJump} />
        </p>
      )}
    </div>
  );
}
