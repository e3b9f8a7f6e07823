import { useEffect } from "react";
import { NavLink, useAddress } from "../app/router";
import { useText } from "../i18n/text";
import { CheckIcon, MicrophoneIcon, MutedIcon, PhoneIcon } from "../ui/icons";
import { clock } from "../ui/time";
import { useTick } from "../ui/useTick";
import type { Asked } from "../passing/asked";
import type { Offer } from "./desk";
import { useNames } from "./names";
import { useDesk, useLive, useMaybeWorkplace, usePhone, type Workplace } from "./workplace";

/** Below the frame on every page but the desk itself: who is offered, who asks for me, or the call that goes on. */
export function DeskBar() {
  const place = useMaybeWorkplace();
  return place === null ? null : <Bar place={place} />;
}

function Bar({ place }: { readonly place: Workplace }) {
  const desk = useDesk(place);
  const phone = usePhone(place);
  const atDesk = useAddress().pathname === "/desk";
  const offer = desk?.offer ?? null;
  const { asked } = place.invitation;
  useAnswerKeys(place, offer, asked);
  const serving = (phone.mode === "serve" || phone.mode === "consult") && place.phone.busy;
  return (
    <>
      <Announcer place={place} offer={offer} asked={asked} />
      {atDesk ? null : offer !== null ? (
        <Offered place={place} offer={offer} />
      ) : asked !== null ? (
        <AskedBar place={place} asked={asked} />
      ) : serving ? (
        <OnCall place={place} />
      ) : null}
    </>
  );
}

/** F2 accepts and F4 declines, wherever the agent is. */
function useAnswerKeys(place: Workplace, offer: Offer | null, asked: Asked | null): void {
  useEffect(() => {
    if (offer === null && asked === null) return;
    const { accept, decline } =
      offer === null ? place.invitation : { accept: place.accept, decline: async () => place.desk?.decline() };
    const press = (event: KeyboardEvent): void => {
      if (event.altKey || event.ctrlKey || event.metaKey || event.shiftKey || event.repeat) return;
      if (event.key === "F2") void accept();
      else if (event.key === "F4") void decline();
      else return;
      event.preventDefault();
    };
    window.addEventListener("keydown", press);
    return () => window.removeEventListener("keydown", press);
  }, [place, offer, asked]);
}

interface AnnouncerProps {
  readonly place: Workplace;
  readonly offer: Offer | null;
  readonly asked: Asked | null;
}

/** Says an offer once, at once, to who cannot see it. */
function Announcer({ place, offer, asked }: AnnouncerProps) {
  const { t } = useText();
  const names = useNames();
  const listed = useLive(place).calls.get(offer?.call ?? "")?.summary;
  return (
    <p className="visually-hidden" role="alert" data-testid="offer-announcer">
      {offer !== null
        ? t.offer.announced(listed?.caller ?? offer.call, names.queue(offer.queue))
        : asked !== null
          ? t.passing.asked.announced(names.agent(asked.by), asked.summary.caller)
          : ""}
    </p>
  );
}

function Offered({ place, offer }: { readonly place: Workplace; readonly offer: Offer }) {
  const { t } = useText();
  const desk = useDesk(place);
  const listed = useLive(place).calls.get(offer.call)?.summary;
  const now = useTick(250, true);
  const doing = desk?.doing ?? null;
  return (
    <section className="desk-bar desk-bar-offer" aria-label={t.offer.title} data-testid="offer-bar">
      <PhoneIcon />
      <p>
        <strong>{t.offer.title}</strong> · {listed?.caller ?? offer.call} · {t.offer.priority} {offer.priority} ·{" "}
        <span className="figures">{t.offer.left(Math.max(0, Math.ceil((offer.endsAt - now) / 1000)))}</span>
      </p>
      <NavLink to="/desk" className="button quiet">
        {t.desk.openDesk}
      </NavLink>
      <Answers
        names={[t.offer.accept, t.offer.decline]}
        locked={doing !== null}
        onAccept={() => void place.accept()}
        onDecline={() => void place.desk?.decline()}
      />
    </section>
  );
}

/** A colleague asks me to come to their call. */
function AskedBar({ place, asked }: { readonly place: Workplace; readonly asked: Asked }) {
  const { t } = useText();
  const who = useNames().agent(asked.by);
  const { doing, accept, decline } = place.invitation;
  return (
    <section className="desk-bar desk-bar-offer" aria-label={t.passing.asked[asked.to].title} data-testid="asked-bar">
      <PhoneIcon />
      <p>
        <strong>{t.passing.asked[asked.to].title}</strong> · {who} · {asked.summary.caller}
      </p>
      <NavLink to="/desk" className="button quiet">
        {t.desk.openDesk}
      </NavLink>
      <Answers
        names={[t.passing.asked.accept, t.passing.asked.decline]}
        locked={doing !== null || place.phone.busy}
        onAccept={() => void accept()}
        onDecline={() => void decline()}
      />
    </section>
  );
}

interface AnswersProps {
  /** What acceptance and refusal are called. */
  readonly names: readonly [string, string];
  readonly locked: boolean;
  readonly onAccept: () => void;
  readonly onDecline: () => void;
}

function Answers({ names: [accept, decline], locked, onAccept, onDecline }: AnswersProps) {
  return (
    <>
      <button type="button" className="button primary" disabled={locked} onClick={onAccept} aria-keyshortcuts="F2">
        <CheckIcon />
        {accept}
        <kbd>F2</kbd>
      </button>
      <button type="button" className="button" disabled={locked} onClick={onDecline} aria-keyshortcuts="F4">
        {decline}
        <kbd>F4</kbd>
      </button>
    </>
  );
}

function OnCall({ place }: { readonly place: Workplace }) {
  const { t } = useText();
  const phone = usePhone(place);
  const listed = useLive(place).calls.get(phone.call ?? "")?.summary;
  const now = useTick(500, phone.connectedAt !== null);
  return (
    <section className="desk-bar" aria-label={t.line.title} data-testid="call-bar">
      <PhoneIcon />
      <p>
        <strong>{t.line.state[phone.state]}</strong> · {listed?.caller ?? phone.call}
        {phone.connectedAt === null ? null : <span className="figures"> · {clock(now - phone.connectedAt)}</span>}
      </p>
      <button
        type="button"
        className="button"
        aria-pressed={phone.muted}
        disabled={phone.state !== "connected" || phone.doing !== null}
        onClick={() => void place.phone.mute(!phone.muted)}
      >
        {phone.muted ? <MutedIcon /> : <MicrophoneIcon />}
        {phone.muted ? t.line.unmute : t.line.mute}
      </button>
      <NavLink to="/desk" className="button primary">
        {t.desk.backToCall}
      </NavLink>
    </section>
  );
}
