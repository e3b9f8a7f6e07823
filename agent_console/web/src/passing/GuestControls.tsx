import { useNames } from "../desk/names";
import { Toggle } from "../desk/PhoneControls";
import { usePhone, useWorkplace } from "../desk/workplace";
import { useText } from "../i18n/text";
import { HangUpIcon, MicrophoneIcon, MutedIcon } from "../ui/icons";
import type { CallView } from "../wire/state";

/** What whoever is consulted can do: be silent, and leave. */
export function GuestControls({ view }: { readonly view: CallView | null }) {
  const { t } = useText();
  const { phone } = useWorkplace();
  const { muted, doing, state } = usePhone(useWorkplace());
  const names = useNames();
  const by = view?.passing.consult?.by ?? null;
  const together = view?.held === false && view.passing.answered;
  const byAway = by !== null && view?.people.awaited === by;
  return (
    <>
      {by === null ? null : (
        <p className={`guest-note ${together ? "together" : ""}`} role="status" data-testid="guest" data-together={together}>
          {byAway ? `${t.passing.guest.byAway(names.agent(by))} ` : ""}
          {together ? t.passing.guest.together : byAway ? "" : t.passing.guest.apart(names.agent(by))}
        </p>
      )}
      <div className="controls guest" role="group" aria-label={t.passing.guest.title}>
        <Toggle
          on={muted}
          name={muted ? t.line.unmute : t.line.mute}
          icon={muted ? <MutedIcon /> : <MicrophoneIcon />}
          disabled={doing !== null || state !== "connected"}
          onPress={() => void phone.mute(!muted)}
          testId="phone-mute"
        />
        <LeaveConsult />
      </div>
    </>
  );
}

/** Ends the consultation for me, also while its audio does not stand. */
export function LeaveConsult() {
  const { t } = useText();
  const place = useWorkplace();
  const { doing } = usePhone(place);
  return (
    <button
      type="button"
      className="button hang-up-button wide"
      disabled={doing !== null}
      onClick={() => void place.phone.leave()}
      data-testid="guest-leave"
    >
      <HangUpIcon />
      {t.passing.guest.leave}
    </button>
  );
}
