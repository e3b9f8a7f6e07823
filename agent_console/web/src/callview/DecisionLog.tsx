import { useText } from "../i18n/text";
import type { Dictionary } from "../i18n/zh";
import { clock } from "../ui/time";
import type { Wording } from "../wire/events";
import type { CallView, Decision } from "../wire/state";
import { Evidence } from "./Evidence";
import { peopleLine } from "./peopleLine";
import { shiftReason } from "./shiftReason";

interface DecisionLogProps {
  readonly view: CallView;
  readonly onJump: (segment: number) => void;
}

/** What was decided, when and why; newest first. */
export function DecisionLog({ view, onJump }: DecisionLogProps) {
  const { t, pick } = useText();
  const newestFirst = [...view.decisions].reverse();
  return (
    <section className="card">
      <div className="card-head">
        <h2>{t.decisions.title}</h2>
      </div>
      {newestFirst.length === 0 ? (
        <p className="soft">{t.decisions.none}</p>
      ) : (
        <ol className="decisions" reversed>
          {newestFirst.map((one) => (
            <li key={one.seq} data-testid="decision" data-type={one.type} data-seq={one.seq}>
              <time className="figures soft">{clock(one.at_ms)}</time>
              <div>
                <p className="decision-what">{headline(one, t)}</p>
                <Reason text={reasonOf(one, t, pick)} />
                <Evidence view={view} segments={evidenceOf(one)} onJump={onJump} />
              </div>
            </li>
          ))}
        </ol>
      )}
    </section>
  );
}

function Reason({ text }: { readonly text: string }) {
  return text === "" ? null : <p className="soft">{text}</p>;
}

function headline(one: Decision, t: Dictionary): string {
  switch (one.type) {
    case "priority.changed":
      return t.decisions.priority(one.previous, one.current);
    case "route.decided":
      return t.decisions.route(one.target === "ai" ? t.call.ai : t.call.human);
    case "emotion.shifted":
      return t.decisions.shift(t.words.level[one.shift.previous], t.words.level[one.shift.current]);
    case "dtmf.received":
      return t.decisions.key(one.digit);
    case "handover.requested":
      return t.decisions.requested;
    case "handover.offered":
      return t.decisions.offered(one.agent);
    case "handover.accepted":
      return t.decisions.accepted(one.agent);
    case "handover.bridged":
      return t.decisions.bridged(one.agent);
    case "handover.failed":
      return t.decisions.handoverFailed(t.words.handoverFailure[one.code]);
    default:
      return peopleLine(one, t);
  }
}

function reasonOf(one: Decision, t: Dictionary, pick: (wording: Wording) => string): string {
  switch (one.type) {
    case "priority.changed":
    case "route.decided":
    case "handover.requested":
      return pick(one.reason);
    case "emotion.shifted":
      return shiftReason(one.shift.reason, t);
    case "handover.failed":
      return one.back_to ? t.decisions.backTo[one.back_to] : "";
    default:
      return "";
  }
}

function evidenceOf(one: Decision): readonly number[] {
  switch (one.type) {
    case "priority.changed":
    case "route.decided":
      return one.evidence;
    case "emotion.shifted":
      return one.shift.segments;
    default:
      return [];
  }
}
