import { useText } from "../i18n/text";
import { CheckIcon } from "../ui/icons";
import { useTick } from "../ui/useTick";
import { PhoneTrouble } from "./PhoneTrouble";
import { useDesk, useWorkplace } from "./workplace";

/** The call is over; the agent says when the next may come. */
export function AfterCallCard() {
  const { t } = useText();
  const place = useWorkplace();
  const readyAt = useDesk(place)?.readyAt ?? null;
  const now = useTick(500, readyAt !== null);
  return (
    <section className="desk-card" data-testid="after-call">
      <h2>{t.after.title}</h2>
      <p className="soft">{t.after.hint}</p>
      <button
        type="button"
        className="button primary wide"
        disabled={place.checking}
        onClick={() => void place.setPresence("ready")}
        data-testid="after-call-finish"
      >
        <CheckIcon />
        {t.after.finish}
      </button>
      {readyAt === null ? null : (
        <p className="soft figures">{t.after.left(Math.max(0, Math.ceil((readyAt - now) / 1000)))}</p>
      )}
      {place.trouble === null ? null : <PhoneTrouble error={place.trouble} />}
    </section>
  );
}
