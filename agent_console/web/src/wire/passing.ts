/** Consultation and transfer as a call's events tell them: a part of the view's fold. */

import type { ConsultEnd, EventOf, TransferFailure, TransferTarget, WireEvent } from "./events";

/** What came to nothing, as people are told it; ends that somebody wished for tell nothing. */
export type PassingFailure = Exclude<TransferFailure, "withdrawn" | "caller_gone"> | "left";

export interface Failed {
  readonly what: "consult" | "transfer";
  readonly by: string;
  readonly target: TransferTarget;
  readonly why: PassingFailure;
  readonly seq: number;
}

export interface Passing {
  readonly consult: EventOf<"consult.started"> | null;
  /** Whether whoever is consulted is on the line. */
  readonly answered: boolean;
  /** Whether they were, lost their leg, and may come back. */
  readonly awaited: boolean;
  readonly transfer: EventOf<"transfer.requested"> | null;
  /** How the newest one failed, until another one is begun or comes about. */
  readonly failed: Failed | null;
  /** The newest transfer that came about. */
  readonly completed: EventOf<"transfer.requested"> | null;
}

export const passingNobody: Passing = {
  consult: null,
  answered: false,
  awaited: false,
  transfer: null,
  failed: null,
  completed: null,
};

/** Where things stand, in one word: what people see, and what they can do next. */
export type PassingState = "none" | "consult_asked" | "consult_awaited" | "talking" | "conference" | "transfer_asked";

export function passingState({ consult, answered, awaited, transfer }: Passing, held: boolean): PassingState {
  if (transfer !== null) return "transfer_asked";
  if (consult === null) return "none";
  if (awaited) return "consult_awaited";
  if (!answered) return "consult_asked";
  return held ? "talking" : "conference";
}

/** After one more event; an event about something else changes nothing. */
export function readPassing(passing: Passing, event: WireEvent): Passing {
  switch (event.type) {
    case "consult.started":
      return { ...passing, consult: event, answered: false, awaited: false, failed: null, completed: null };
    case "consult.answered":
      return { ...passing, answered: true, awaited: false };
    case "consult.awaited":
      return { ...passing, answered: false, awaited: true };
    case "consult.ended": {
      const failed = failure(passing.consult, "consult", event.reason, event.seq);
      return { ...passing, consult: null, answered: false, awaited: false, failed: failed ?? passing.failed };
    }
    case "transfer.requested":
      return { ...passing, transfer: event, failed: null, completed: null };
    case "transfer.completed":
      return { ...passing, transfer: null, failed: null, completed: passing.transfer };
    case "transfer.failed": {
      const failed = failure(passing.transfer, "transfer", event.code, event.seq);
      return { ...passing, transfer: null, failed: failed ?? passing.failed };
    }
    case "call.ended":
      return passingNobody;
    default:
      return passing;
  }
}

const WISHED: ReadonlySet<string> = new Set(["returned", "transferred", "abandoned", "withdrawn", "caller_gone"]);

function failure(
  about: { readonly by: string; readonly target: TransferTarget } | null,
  what: Failed["what"],
  why: ConsultEnd | TransferFailure,
  seq: number,
): Failed | null {
  if (about === null || WISHED.has(why)) return null;
  return { what, by: about.by, target: about.target, why: why as PassingFailure, seq };
}
