import { useEffect, useState, type ReactNode } from "react";
import { useText } from "../i18n/text";
import { isAsked } from "../passing/asked";
import { PassOnDialog } from "../passing/PassOnDialog";
import { HangUpIcon, HoldIcon, MicrophoneIcon, MutedIcon, RecordIcon, ResumeIcon, ReturnIcon, TransferIcon } from "../ui/icons";
import { legOf } from "../wire/people";
import { passingState } from "../wire/passing";
import type { CallView } from "../wire/state";
import { useLive, usePhone, useWorkplace } from "./workplace";

interface PhoneControlsProps {
  readonly view: CallView | null;
  readonly caller: string;
}

/** What whoever serves the call can do with it. The states come from the call's events, so that all see the same. */
export function PhoneControls({ view, caller }: PhoneControlsProps) {
  const { t } = useText();
  const place = useWorkplace();
  const { phone, session } = place;
  const snapshot = usePhone(place);
  const muted = snapshot.muted || view?.people.muted.has(legOf("agent", session.user)) === true;
  const held = view?.held ?? false;
  const paused = view?.people.recordingPaused ?? false;
  const { doing } = snapshot;
  const unheard = snapshot.state !== "connected";
  const [choosing, setChoosing] = useState(false);
  // Whether the caller waits is then said where it is said how the consultation goes.
  const passing = view !== null && passingState(view.passing, view.held) !== "none";

  useEffect(() => {
    const press = (event: KeyboardEvent): void => {
      if (event.altKey || event.ctrlKey || event.metaKey || event.shiftKey || event.repeat) return;
      if (event.key === "F8") void phone.mute(!muted);
      else if (event.key === "F9" && !passing) void phone.hold(!held);
      else return;
      event.preventDefault();
    };
    window.addEventListener("keydown", press);
    return () => window.removeEventListener("keydown", press);
  }, [phone, muted, held, passing]);

  return (
    <div className="controls" role="group" aria-label={t.line.region}>
      <Toggle
        on={muted}
        name={muted ? t.line.unmute : t.line.mute}
        icon={muted ? <MutedIcon /> : <MicrophoneIcon />}
        shortcut="F8"
        disabled={unheard || doing !== null}
        onPress={() => void phone.mute(!muted)}
        testId="phone-mute"
      />
      {passing ? null : (
        <Toggle
          on={held}
          name={held ? t.line.resume : t.line.hold}
          icon={held ? <ResumeIcon /> : <HoldIcon />}
          shortcut="F9"
          disabled={unheard || doing !== null}
          onPress={() => void phone.hold(!held)}
          testId="phone-hold"
        />
      )}
      <Toggle
        on={paused}
        name={paused ? t.line.record : t.line.pause}
        hint={t.line.pauseHint}
        icon={<RecordIcon />}
        disabled={unheard || doing !== null}
        onPress={() => void phone.pause(!paused)}
        testId="phone-record"
      />
      {passing ? null : (
        <Toggle
          on={false}
          name={t.line.giveBack}
          hint={t.line.giveBackHint}
          icon={<ReturnIcon />}
          disabled={doing !== null}
          onPress={() => void phone.leave()}
          testId="phone-give-back"
        />
      )}
      {passing ? null : (
        <button
          type="button"
          className="button wide pass-open"
          disabled={unheard || doing !== null}
          title={t.passing.openHint}
          aria-haspopup="dialog"
          onClick={() => setChoosing(true)}
          data-testid="pass-open"
        >
          <TransferIcon />
          {t.passing.open}
        </button>
      )}
      {choosing && !passing ? <PassOnDialog caller={caller} onClose={() => setChoosing(false)} /> : null}
      <p className="controls-note" role="status">
        {[muted ? t.line.mutedNow : "", held && !passing ? t.line.heldNow : "", paused ? t.line.pausedNow : ""]
          .filter(Boolean)
          .map((one) => (
            <span key={one}>{one}</span>
          ))}
      </p>
      <HangUp />
    </div>
  );
}

/** Ends the call for everybody, also while its audio does not stand. */
export function HangUp({ call }: { readonly call?: string }) {
  const { t } = useText();
  const place = useWorkplace();
  const { doing, call: onPhone } = usePhone(place);
  const about = call ?? onPhone;
  const live = useLive(place);
  // Until they are mine, whoever serves them hangs up.
  if (about !== null && isAsked(live, place.session.user, about)) {
    return (
      <button
        type="button"
        className="button hang-up-button wide"
        disabled={doing === "leave"}
        onClick={() => void place.phone.decline()}
        data-testid="phone-decline"
      >
        <HangUpIcon />
        {t.passing.asked.decline}
      </button>
    );
  }
  return (
    <button
      type="button"
      className="button hang-up-button wide"
      disabled={doing === "hang_up"}
      onClick={() => void place.phone.hangUp(call)}
      data-testid="phone-hang-up"
    >
      <HangUpIcon />
      {t.line.hangUp}
    </button>
  );
}

interface ToggleProps {
  readonly on: boolean;
  /** What a press does now. */
  readonly name: string;
  readonly hint?: string;
  readonly icon: ReactNode;
  readonly shortcut?: string;
  readonly disabled: boolean;
  readonly onPress: () => void;
  readonly testId: string;
}

export function Toggle({ on, name, hint, icon, shortcut, disabled, onPress, testId }: ToggleProps) {
  return (
    <button
      type="button"
      className={`control ${on ? "on" : ""}`}
      disabled={disabled}
      title={hint}
      aria-keyshortcuts={shortcut}
      onClick={onPress}
      data-testid={testId}
      data-on={on}
    >
      {icon}
      <span>{name}</span>
      {shortcut === undefined ? null : <kbd aria-hidden="true">{shortcut}</kbd>}
    </button>
  );
}
