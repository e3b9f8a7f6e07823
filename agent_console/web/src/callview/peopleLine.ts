import type { Dictionary } from "../i18n/zh";
import type { Decision, PeopleStep } from "../wire/state";

/** What somebody on the call did, in one line. */
export function peopleLine(one: Extract<Decision, { readonly type: PeopleStep }>, t: Dictionary): string {
  switch (one.type) {
    case "agent.awaited":
      return t.decisions.awaited(one.agent, Math.round(one.grace_s));
    case "leg.replaced":
      return t.decisions.replaced(one.address);
    case "callback.requested":
      return t.decisions.callbackRequested(one.address);
    case "callback.dialled":
      return t.decisions.callbackDialled(one.agent, one.attempt);
    case "callback.answered":
      return t.decisions.callbackAnswered(one.by);
    case "callback.failed":
      return one.given_up
        ? t.decisions.callbackGivenUp(t.decisions.callbackFailures[one.code])
        : t.decisions.callbackFailed(t.decisions.callbackFailures[one.code]);
    case "party.joined":
      return t.decisions.joined(one.agent ?? t.words.party[one.party]);
    case "party.left":
      return t.decisions.left(one.agent ?? t.words.party[one.party]);
    case "party.muted":
      return t.decisions.muted(one.agent ?? t.words.party[one.party]);
    case "party.unmuted":
      return t.decisions.unmuted(one.agent ?? t.words.party[one.party]);
    case "call.held":
      return t.decisions.held(one.party === "caller" ? t.words.party.caller : one.by);
    case "call.resumed":
      return t.decisions.resumed(one.party === "caller" ? t.words.party.caller : one.by);
    case "recording.paused":
      return t.decisions.paused(one.by);
    case "recording.resumed":
      return t.decisions.recording(one.by);
    case "supervision.started":
    case "supervision.changed":
      return t.decisions.supervising(one.supervisor, t.supervise.doing[one.mode]);
    case "supervision.ended":
      return t.decisions.supervisionEnded(one.supervisor);
  }
}
