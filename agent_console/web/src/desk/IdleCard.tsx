import { useEffect, useState } from "react";
import { useText } from "../i18n/text";
import { BellIcon, CheckIcon } from "../ui/icons";
import { clock } from "../ui/time";
import { fetchQueues, type DeskQueue } from "../wire/desk";
import { PhoneTrouble } from "./PhoneTrouble";
import { mayAskNotices } from "./useAlarm";
import { useDesk, useWorkplace } from "./workplace";

const QUEUES_EVERY_MS = 5_000;

/** What the agent sees while nobody is there: what that means, who waits, and the way to be ready. */
export function IdleCard() {
  const { t } = useText();
  const place = useWorkplace();
  const presence = useDesk(place)?.presence ?? "offline";
  const ready = presence === "ready";
  const [title, hint] = ready
    ? [t.desk.ready, t.desk.readyHint]
    : presence === "break"
      ? [t.desk.break, t.desk.breakHint]
      : presence === "busy"
        ? [t.desk.busy, t.desk.breakHint]
        : [t.desk.offline, t.desk.offlineHint];
  return (
    <section className={`desk-card idle ${ready ? "is-ready" : ""}`} data-testid="idle" data-presence={presence}>
      <h2>{title}</h2>
      <p className="soft">{hint}</p>
      {ready || presence === "busy" ? null : (
        <button
          type="button"
          className="button primary wide"
          disabled={place.checking}
          onClick={() => void place.setPresence("ready")}
          data-testid="go-ready"
        >
          <CheckIcon />
          {place.checking ? t.desk.checking : t.desk.goReady}
        </button>
      )}
      {place.trouble === null ? null : <PhoneTrouble error={place.trouble} />}
      <Waiting />
      {ready ? <AskNotices /> : null}
    </section>
  );
}

function Waiting() {
  const { t, pick } = useText();
  const [queues, setQueues] = useState<readonly DeskQueue[]>([]);
  useEffect(() => {
    let stale = false;
    const ask = (): void => {
      // What could not be had this time comes with the next.
      fetchQueues().then((found) => (stale ? undefined : setQueues(found)), () => undefined);
    };
    ask();
    const timer = setInterval(ask, QUEUES_EVERY_MS);
    return () => {
      stale = true;
      clearInterval(timer);
    };
  }, []);
  if (queues.length === 0) return null;
  return (
    <dl className="idle-queues">
      {queues.map((one) => (
        <div key={one.queue}>
          <dt>{pick(one.title)}</dt>
          <dd>
            {t.desk.waiting(one.waiting)}
            {one.waiting === 0 ? "" : ` · ${t.desk.longest(clock(1000 * one.longest_wait_s))}`}
          </dd>
        </div>
      ))}
    </dl>
  );
}

function AskNotices() {
  const { t } = useText();
  const [asked, setAsked] = useState(!mayAskNotices());
  if (asked) return null;
  return (
    <button
      type="button"
      className="button quiet"
      onClick={() => void Notification.requestPermission().finally(() => setAsked(true))}
      data-testid="ask-notices"
    >
      <BellIcon />
      {t.presence.askNotices}
    </button>
  );
}
