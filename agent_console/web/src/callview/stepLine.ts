/** What happened besides decisions, in a line and a half. */

import type { Dictionary } from "../i18n/zh";
import type { TransferTarget, Wording } from "../wire/events";
import type { StepEvent } from "./decisions";
import { peopleLine } from "./peopleLine";
import { shiftReason } from "./shiftReason";

export interface StepLine {
  readonly what: string;
  readonly why: string;
  readonly evidence: readonly number[];
}

interface Words {
  readonly t: Dictionary;
  readonly pick: (wording: Wording) => string;
  readonly queueName: (id: string) => string;
}

/** The line of one step. */
export function stepLine(one: StepEvent, words: Words): StepLine {
  return { what: headline(one, words), why: reasonOf(one, words), evidence: one.type === "emotion.shifted" ? one.shift.segments : [] };
}

function headline(one: StepEvent, { t, pick, queueName }: Words): string {
  const whom = (target: TransferTarget): string =>
    target.kind === "queue" ? queueName(target.address) : target.address;
  switch (one.type) {
    case "emotion.shifted":
      return t.decisions.shift(t.words.level[one.shift.previous], t.words.level[one.shift.current]);
    case "dtmf.received":
      return t.decisions.key(one.digit);
    case "announcement.made":
      return `${t.decisions.announced}${t.words.colon}${pick(one.text)}`;
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
    case "consult.started":
      return t.decisions.consult(one.by, whom(one.target));
    case "consult.answered":
      return t.decisions.consultAnswered;
    case "consult.awaited":
      return t.decisions.consultAwaited(Math.round(one.grace_s));
    case "consult.ended":
      return t.decisions.consultEnded(t.decisions.consultEnd[one.reason]);
    case "transfer.requested":
      return one.kind === "blind"
        ? t.decisions.transferBlind(one.by, whom(one.target))
        : t.decisions.transferAttended(one.by, whom(one.target));
    case "transfer.accepted":
      return t.decisions.transferAccepted;
    case "transfer.completed":
      return t.decisions.transferCompleted;
    case "transfer.failed":
      return t.decisions.transferFailed(t.decisions.transferFailure[one.code]);
    default:
      return peopleLine(one, t);
  }
}

function reasonOf(one: StepEvent, { t, pick }: Words): string {
  switch (one.type) {
    case "announcement.made":
      return one.spoken ? t.decisions.announcedSpoken : t.decisions.announcedWritten;
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
