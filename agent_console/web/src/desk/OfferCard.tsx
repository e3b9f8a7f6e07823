import { useEffect, useState } from "react";
import { useText } from "../i18n/text";
import { CheckIcon, CloseIcon } from "../ui/icons";
import { clock, moment } from "../ui/time";
import { urgency } from "../ui/urgency";
import { useTick } from "../ui/useTick";
import { fetchContacts } from "../wire/desk";
import type { Offer } from "./desk";
import { useNames } from "./names";
import { useDesk, useLive, useWorkplace } from "./workplace";

interface OfferCardProps {
  readonly offer: Offer;
}

/** A caller who is reserved for me: who, how urgent, how long there is to answer. */
export function OfferCard({ offer }: OfferCardProps) {
  const { t, tongue, pick } = useText();
  const place = useWorkplace();
  const desk = useDesk(place);
  const listed = useLive(place).calls.get(offer.call)?.summary;
  const now = useTick(250, true);
  const names = useNames();
  const waitedMs = useWaited(offer);
  const caller = listed?.caller ?? offer.call;
  const leftS = Math.max(0, Math.ceil((offer.endsAt - now) / 1000));
  const doing = desk?.doing ?? null;
  return (
    <section className="desk-card offer" aria-labelledby="offer-title" data-testid="offer" data-call={offer.call}>
      <div className="offer-head">
        <h2 id="offer-title">{offer.callback ? t.offer.callbackTitle : t.offer.title}</h2>
        <Countdown offer={offer} now={now} leftS={leftS} />
      </div>
      <p className="offer-caller">{caller}</p>
      {offer.callback ? (
        <p data-testid="offer-callback">{t.offer.callback(moment(keptSince(offer), tongue), offer.attempts)}</p>
      ) : null}
      <dl className="offer-facts">
        <dt>{t.offer.queue}</dt>
        <dd>{names.queue(offer.queue)}</dd>
        <dt>{t.offer.priority}</dt>
        <dd className={`offer-priority figures ${urgency(offer.priority)}`}>{offer.priority}</dd>
        <dt>{t.offer.waited}</dt>
        <dd className="figures">{waitedMs === null ? t.call.notYet : clock(waitedMs(now))}</dd>
        {listed?.route_reason == null ? null : (
          <>
            <dt>{t.offer.reason}</dt>
            <dd>{pick(listed.route_reason)}</dd>
          </>
        )}
      </dl>
      <div className="offer-answers">
        <button
          type="button"
          className="button primary wide"
          disabled={doing !== null}
          onClick={() => void place.accept()}
          aria-keyshortcuts="F2"
          data-testid="offer-accept"
        >
          <CheckIcon />
          {doing === "accept" ? t.offer.accepting : offer.callback ? t.offer.acceptCallback : t.offer.accept}
          <kbd>F2</kbd>
        </button>
        <button
          type="button"
          className="button wide"
          disabled={doing !== null}
          onClick={() => void place.desk?.decline()}
          aria-keyshortcuts="F4"
          data-testid="offer-decline"
        >
          <CloseIcon />
          {doing === "decline" ? t.offer.declining : t.offer.decline}
          <kbd>F4</kbd>
        </button>
      </div>
      <p className="soft offer-warm">{t.offer.warm}</p>
    </section>
  );
}

/** Since when an offered caller's place counts, as an ISO date. */
function keptSince({ waited_s }: Offer): string {
  return new Date(Date.now() - 1000 * waited_s).toISOString();
}

function Countdown({ offer, now, leftS }: { readonly offer: Offer; readonly now: number; readonly leftS: number }) {
  const { t } = useText();
  // What was left when it was first seen is the whole; it does not change while the offer stands.
  const [whole] = useState(() => Math.max(1, offer.endsAt - now));
  const share = Math.max(0, Math.min(1, (offer.endsAt - now) / whole));
  return (
    <p className={`offer-left figures ${leftS <= 5 ? "soon" : ""}`} data-testid="offer-left">
      <span className="offer-ring" style={{ "--left": share } as React.CSSProperties} aria-hidden="true" />
      {t.offer.left(leftS)}
    </p>
  );
}

/** How long the caller has waited, which the reservation itself does not say; null while that is not known. */
function useWaited({ offer, call }: Offer): ((now: number) => number) | null {
  const [since, setSince] = useState<number | null>(null);
  useEffect(() => {
    let stale = false;
    fetchContacts().then(
      (contacts) => {
        const waited = contacts.find((one) => one.call === call)?.waited_s;
        if (!stale && waited !== undefined) setSince(performance.now() - 1000 * waited);
      },
      // The card is of use without it.
      () => undefined,
    );
    return () => {
      stale = true;
    };
  }, [offer, call]);
  return since === null ? null : (now) => now - since;
}
