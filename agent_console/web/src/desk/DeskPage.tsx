import { useEffect } from "react";
import { CallPanel } from "../callview/CallPanel";
import { useText } from "../i18n/text";
import { Banner } from "../live/Banner";
import { runningMs } from "../live/order";
import { AskedCard } from "../passing/AskedCard";
import { PassingCard } from "../passing/PassingCard";
import type { LiveSnapshot } from "../live/liveCalls";
import { Notice } from "../ui/Notice";
import { useTick } from "../ui/useTick";
import type { CallView } from "../wire/state";
import { AfterCallCard } from "./AfterCallCard";
import type { DeskSnapshot } from "./desk";
import { CallingBackCard } from "./CallingBackCard";
import { IdleCard } from "./IdleCard";
import { OfferCard } from "./OfferCard";
import { PhoneCard } from "./PhoneCard";
import { Refusal } from "./PhoneTrouble";
import { subjectOf } from "./subject";
import { useDesk, useLive, usePhone, useWorkplace, type Workplace } from "./workplace";

/** The agent's own place: first what was said, then the voice, then the after-call work. */
export function DeskPage() {
  const { t } = useText();
  const place = useWorkplace();
  const desk = useDesk(place);
  const live = useLive(place);
  const phone = usePhone(place);
  const asked = place.invitation.asked?.call ?? null;
  const subject = desk === null ? null : subjectOf(desk, phone.call, place.lastServed, asked);

  useEffect(() => place.live.watch(subject), [place.live, subject]);
  useEffect(() => {
    document.title = `${t.desk.title} · ${t.app.name}`;
  }, [t]);

  if (desk === null || desk.state === "absent") {
    return (
      <main id="main" className="page">
        <h1 className="visually-hidden">{t.desk.title}</h1>
        <Notice title={t.desk.absent}>{t.desk.absentHint}</Notice>
      </main>
    );
  }
  return (
    <main id="main" className="desk-page" data-testid="desk-page">
      <Banner snapshot={live} onRetry={() => place.live.retryNow()} />
      <div className="desk-side">
        <Side place={place} desk={desk} subject={subject} live={live} />
      </div>
      <div className="desk-main live-main">
        <Subject live={live} subject={subject} />
      </div>
    </main>
  );
}

interface SideProps {
  readonly place: Workplace;
  readonly desk: DeskSnapshot;
  readonly subject: string | null;
  readonly live: LiveSnapshot;
}

function Side({ place, desk, subject, live }: SideProps) {
  const { t } = useText();
  const phone = usePhone(place);
  const serving = phone.call ?? desk.agent?.calls[0] ?? null;
  const view = live.view?.call === serving ? live.view : null;
  const { asked } = place.invitation;
  const { current: calling, missed } = place.callbacks;
  return (
    <>
      {missed === null ? null : (
        <p className="desk-fate" role="status" data-testid="callback-missed" data-code={missed.code}>
          {(missed.givenUp ? t.decisions.callbackGivenUp : t.decisions.callbackFailed)(
            t.decisions.callbackFailures[missed.code],
          )}
        </p>
      )}
      {desk.fate === null ? null : (
        <p
          className={`desk-fate ${desk.fate === "passed_on" ? "is-good" : ""}`}
          role="status"
          data-testid="offer-fate"
          data-fate={desk.fate}
        >
          {t.offer.gone[desk.fate]}
          {desk.fate === "refused" && desk.problem !== null ? ` ${t.phone.code(desk.problem.code)}` : ""}
        </p>
      )}
      {desk.offer === null ? null : <OfferCard key={desk.offer.offer} offer={desk.offer} />}
      {asked === null ? null : <AskedCard key={asked.call} asked={asked} />}
      {view === null || phone.mode === "consult" ? null : <Passing place={place} view={view} />}
      {serving === null ? null : serving === calling?.call ? (
        <CallingBackCard calling={calling} caller={live.calls.get(serving)?.summary.caller ?? serving} />
      ) : (
        <PhoneCard call={serving} caller={live.calls.get(serving)?.summary.caller ?? serving} view={view} />
      )}
      {desk.offer === null && asked === null && serving === null ? (
        desk.presence === "after_call" ? (
          <AfterCallCard />
        ) : (
          <IdleCard />
        )
      ) : null}
      {desk.problem !== null && desk.fate === null ? <Refusal code={desk.problem.code} /> : null}
      {subject === null && desk.lapsed ? (
        <p className="desk-fate" role="status">
          {t.presence.lapsed}
        </p>
      ) : null}
    </>
  );
}

/** My consultation or transfer, with the time running. */
function Passing({ place, view }: { readonly place: Workplace; readonly view: CallView }) {
  const listed = useLive(place).calls.get(view.call);
  const busy = view.passing.consult !== null || view.passing.transfer !== null;
  const now = useTick(500, busy);
  return <PassingCard key={view.call} view={view} nowMs={listed === undefined ? view.atMs : runningMs(listed, now)} />;
}

function Subject({ live, subject }: { readonly live: LiveSnapshot; readonly subject: string | null }) {
  const { t } = useText();
  const { view } = live;
  const listed = subject === null ? undefined : live.calls.get(subject);
  const running = view !== null && view.ended === null;
  const now = useTick(1000, running);
  if (subject === null) {
    return (
      <>
        <h1 className="visually-hidden">{t.desk.title}</h1>
        <Notice title={t.desk.noCall}>{t.desk.noCallHint}</Notice>
      </>
    );
  }
  if (view?.call !== subject || view.lastSeq < 0) {
    return (
      <div aria-busy="true" className="live-loading">
        <h1 className="visually-hidden">{t.desk.title}</h1>
        <p className="soft">{t.app.loading}</p>
      </div>
    );
  }
  const duration = listed === undefined ? view.atMs : Math.max(view.atMs, runningMs(listed, now));
  return (
    <CallPanel
      key={view.call}
      view={view}
      durationMs={view.ended?.duration_ms ?? duration}
      live={live.caughtUp && view.ended === null}
    />
  );
}
