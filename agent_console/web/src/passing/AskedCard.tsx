import { useState } from "react";
import { useNames } from "../desk/names";
import { usePhone, useWorkplace } from "../desk/workplace";
import { useText } from "../i18n/text";
import { CheckIcon, CloseIcon } from "../ui/icons";
import { useTick } from "../ui/useTick";
import { urgency } from "../ui/urgency";
import type { Asked } from "./asked";

/** A colleague asks me to come to their call: who, about whom, and whether to talk or to take over. */
export function AskedCard({ asked }: { readonly asked: Asked }) {
  const { t, pick } = useText();
  const place = useWorkplace();
  const phone = usePhone(place);
  const names = useNames();
  const seconds = useSeconds();
  const { summary } = asked;
  const { doing } = place.invitation;
  const { again } = t.passing.asked;
  const words = asked.again ? again : t.passing.asked[asked.to];
  return (
    <section className="desk-card offer asked" aria-labelledby="asked-title" data-testid="asked" data-call={asked.call} data-to={asked.to} data-again={asked.again}>
      <div className="offer-head">
        <h2 id="asked-title">{words.title}</h2>
        <p className="offer-left figures" aria-hidden="true">
          {t.passing.ringing(seconds)}
        </p>
      </div>
      <p className="offer-caller">{summary.caller}</p>
      <p>{words.what(names.agent(asked.by))}</p>
      <dl className="offer-facts">
        <dt>{t.offer.priority}</dt>
        <dd className={`offer-priority figures ${urgency(summary.priority)}`}>{summary.priority}</dd>
        {summary.route_reason === null ? null : (
          <>
            <dt>{t.offer.reason}</dt>
            <dd>{pick(summary.route_reason)}</dd>
          </>
        )}
      </dl>
      <div className="offer-answers">
        <button
          type="button"
          className="button primary wide"
          disabled={doing !== null || place.phone.busy || phone.doing !== null}
          onClick={() => void place.invitation.accept()}
          aria-keyshortcuts="F2"
          data-testid="asked-accept"
        >
          <CheckIcon />
          {doing === "accept" ? t.passing.asked.accepting : asked.again ? again.accept : t.passing.asked.accept}
          <kbd>F2</kbd>
        </button>
        <button
          type="button"
          className="button wide"
          disabled={doing !== null}
          onClick={() => void place.invitation.decline()}
          aria-keyshortcuts="F4"
          data-testid="asked-decline"
        >
          <CloseIcon />
          {doing === "decline" ? t.passing.asked.declining : asked.again ? t.passing.guest.leave : t.passing.asked.decline}
          <kbd>F4</kbd>
        </button>
      </div>
      {place.invitation.failed ? (
        <p className="desk-refusal" role="alert">
          {t.passing.asked.failed}
        </p>
      ) : null}
      <p className="soft offer-warm">{t.passing.asked.warm}</p>
    </section>
  );
}

/** How long this page has rung. */
function useSeconds(): number {
  const now = useTick(500, true);
  const [since] = useState(now);
  return Math.max(0, Math.floor((now - since) / 1000));
}
