import { useState, type ReactNode } from "react";
import { useNames } from "../desk/names";
import { usePhone, useWorkplace } from "../desk/workplace";
import { useText } from "../i18n/text";
import { ConferenceIcon, ConsultIcon, HoldIcon, ReturnIcon, ResumeIcon, TransferIcon, WarningIcon } from "../ui/icons";
import { clock } from "../ui/time";
import { passingState, type Failed } from "../wire/passing";
import type { CallView } from "../wire/state";

interface PassingCardProps {
  readonly view: CallView;
  /** Media time now. */
  readonly nowMs: number;
}

/** How a consultation or transfer of mine stands, and what can be done next. */
export function PassingCard({ view, nowMs }: PassingCardProps) {
  const { t } = useText();
  const place = useWorkplace();
  const { target: nameTarget } = useNames();
  const [dismissed, setDismissed] = useState(-1);
  const { passing } = view;
  const me = place.session.user;
  const state = passingState(passing, view.held);
  const about = passing.transfer ?? passing.consult;
  const failed = passing.failed?.by === me && passing.failed.seq !== dismissed ? passing.failed : null;
  if (about?.by !== me) {
    return failed === null ? null : <FailedCard failed={failed} held={view.held} onDismiss={() => setDismissed(failed.seq)} />;
  }
  const who = nameTarget(about.target);
  const seconds = Math.max(0, Math.round((nowMs - about.at_ms) / 1000));
  const rings = about.target.kind === "uri" ? t.passing.dialing(seconds) : t.passing.ringing(seconds);
  const frame = { state, who: about.target.address };
  switch (state) {
    case "none":
      return null;
    case "consult_asked":
      return (
        <Frame {...frame} icon={<ConsultIcon />} title={t.passing.consultAsked(who)} time={rings} note={t.passing.callerWaits}>
          <Act name={t.passing.cancel} icon={<ReturnIcon />} onPress={() => place.phone.goBack()} testId="passing-back" />
        </Frame>
      );
    case "consult_awaited":
      return (
        <Frame
          {...frame}
          icon={<WarningIcon />}
          title={t.passing.consultAwaited(who)}
          time=""
          note={view.held ? t.passing.awaitedTalking : t.passing.awaitedTogether}
        >
          <Act name={t.passing.end} hint={t.passing.endHint} icon={<ReturnIcon />} onPress={() => place.phone.goBack()} testId="passing-back" />
        </Frame>
      );
    case "transfer_asked": {
      const title = about.target.kind === "queue" ? t.passing.transferQueue(who) : t.passing.transferAsked(who);
      return (
        <Frame
          {...frame}
          icon={<TransferIcon />}
          title={title}
          time={about.target.kind === "queue" ? "" : rings}
          note={t.passing.callerStays}
        >
          <Act name={t.passing.takeBack} icon={<ReturnIcon />} onPress={() => place.phone.takeBack()} testId="passing-take-back" />
        </Frame>
      );
    }
    case "talking":
    case "conference": {
      const together = state === "conference";
      return (
        <Frame
          {...frame}
          icon={together ? <ConferenceIcon /> : <ConsultIcon />}
          title={together ? t.passing.conference(who) : t.passing.talking(who)}
          time={t.passing.lasting(clock(1000 * seconds))}
          note={together ? t.passing.callerHears : t.passing.callerWaits}
        >
          {together ? (
            <Act
              name={t.passing.part}
              hint={t.passing.partHint}
              icon={<HoldIcon />}
              onPress={() => place.phone.hold(true)}
              testId="passing-part"
            />
          ) : (
            <Act
              name={t.passing.join}
              hint={t.passing.joinHint}
              icon={<ConferenceIcon />}
              onPress={() => place.phone.hold(false)}
              testId="passing-join"
            />
          )}
          <Act
            main
            name={t.passing.handOver(who)}
            hint={t.passing.handOverHint}
            icon={<TransferIcon />}
            onPress={() => place.phone.handOver()}
            testId="passing-hand-over"
          />
          <Act
            name={t.passing.end}
            hint={t.passing.endHint}
            icon={<ReturnIcon />}
            onPress={() => place.phone.goBack()}
            testId="passing-back"
          />
        </Frame>
      );
    }
  }
}

interface FrameProps {
  readonly state: string;
  readonly who: string;
  readonly icon: ReactNode;
  readonly title: string;
  readonly time: string;
  readonly note: string;
  readonly children: ReactNode;
}

function Frame({ state, who, icon, title, time, note, children }: FrameProps) {
  const { t } = useText();
  return (
    <section className={`desk-card passing passing-${state}`} aria-label={t.passing.card} data-testid="passing" data-state={state} data-who={who}>
      <div className="passing-head">
        {icon}
        <h2 role="status">{title}</h2>
        <span className="soft figures" aria-hidden="true">
          {time}
        </span>
      </div>
      <p className="passing-note">{note}</p>
      <div className="passing-acts">{children}</div>
    </section>
  );
}

interface ActProps {
  readonly name: string;
  readonly hint?: string;
  readonly icon: ReactNode;
  readonly main?: boolean;
  readonly onPress: () => Promise<boolean>;
  readonly testId: string;
}

function Act({ name, hint, icon, main = false, onPress, testId }: ActProps) {
  const { doing, state } = usePhone(useWorkplace());
  return (
    <button
      type="button"
      className={`button wide ${main ? "primary" : ""}`}
      disabled={doing !== null || state !== "connected"}
      title={hint}
      onClick={() => void onPress()}
      data-testid={testId}
    >
      {icon}
      {name}
    </button>
  );
}

interface FailedCardProps {
  readonly failed: Failed;
  readonly held: boolean;
  readonly onDismiss: () => void;
}

/** What came to nothing, why, what to do now, and where the caller is. */
function FailedCard({ failed, held, onDismiss }: FailedCardProps) {
  const { t } = useText();
  const place = useWorkplace();
  const who = useNames().target(failed.target);
  const { what, todo } = t.passing.why[failed.why];
  const title =
    failed.why === "left"
      ? t.passing.leftConsult(who)
      : failed.what === "consult"
        ? t.passing.failedConsult(who)
        : t.passing.failedTransfer(who);
  return (
    <section className="desk-card passing passing-failed" aria-label={t.passing.card} data-testid="passing-failed" data-why={failed.why}>
      <div role="alert">
        <div className="passing-head">
          <WarningIcon />
          <h2>{title}</h2>
        </div>
        <p className="passing-note">
          {what} {todo} {held ? t.passing.waitsForYou : t.passing.withYou}
        </p>
      </div>
      <div className="passing-acts">
        {held ? (
          <Act main name={t.line.resume} icon={<ResumeIcon />} onPress={() => place.phone.hold(false)} testId="passing-resume" />
        ) : null}
        <button type="button" className="button wide" onClick={onDismiss} data-testid="passing-dismiss">
          {t.passing.dismiss}
        </button>
      </div>
    </section>
  );
}
