import { useEffect, useMemo, useState } from "react";
import { go, NavLink, useAddress } from "../app/router";
import { CallPanel } from "../callview/CallPanel";
import { Supervise } from "../desk/Supervise";
import { useLive, useWorkplace } from "../desk/workplace";
import { useText } from "../i18n/text";
import { BackIcon } from "../ui/icons";
import { Notice } from "../ui/Notice";
import { useTick } from "../ui/useTick";
import { Banner } from "./Banner";
import { CallList } from "./CallList";
import type { LiveSnapshot } from "./liveCalls";
import { runningMs, sortCalls, storedOrder, storeOrder } from "./order";
import "./live.css";

/** The calls as they happen. */
export function LivePage() {
  const { t } = useText();
  const place = useWorkplace();
  const { live } = place;
  const snapshot = useLive(place);
  const wanted = useAddress().searchParams.get("call");
  const [order, setOrder] = useState(storedOrder);

  useEffect(() => live.watch(wanted), [live, wanted]);

  const empty = snapshot.listed && snapshot.calls.size === 0;
  // An agent who has chosen nothing sees the most urgent live call.
  const urgent = useMemo(
    () => sortCalls(snapshot.calls.values(), order).live[0]?.summary.call,
    [snapshot.calls, order],
  );
  useEffect(() => {
    if (wanted === null && urgent !== undefined) go(`/?call=${encodeURIComponent(urgent)}`, { replace: true });
  }, [wanted, urgent]);
  useEffect(() => {
    document.title = `${t.app.live} · ${t.app.name}`;
  }, [t]);

  return (
    <main id="main" className={`live-page ${wanted === null && !empty ? "shows-list" : "shows-call"}`}>
      <Banner snapshot={snapshot} onRetry={() => live.retryNow()} />
      <CallList
        calls={snapshot.calls}
        listed={snapshot.listed}
        watched={snapshot.watched}
        order={order}
        onOrder={(chosen) => {
          storeOrder(chosen);
          setOrder(chosen);
        }}
      />
      <div className="live-main">
        {wanted === null ? null : (
          <NavLink to="/" className="button quiet live-back">
            <BackIcon />
            {t.list.title}
          </NavLink>
        )}
        {empty && wanted === null ? <NoCallYet /> : <Watched snapshot={snapshot} />}
      </div>
    </main>
  );
}

function NoCallYet() {
  const { t } = useText();
  return (
    <>
      <h1 className="visually-hidden">{t.app.live}</h1>
      <Notice
        title={t.list.empty}
        action={
          <a className="button primary" href="/call" target="_blank" rel="noreferrer">
            {t.list.openCall}
          </a>
        }
      >
        {t.list.emptyHint}
      </Notice>
    </>
  );
}

function Watched({ snapshot }: { readonly snapshot: LiveSnapshot }) {
  const { t } = useText();
  const { view, watched, problem } = snapshot;
  const listed = watched === null ? undefined : snapshot.calls.get(watched);
  const running = view !== null && view.ended === null;
  const now = useTick(1000, running);
  if (problem !== null && (view === null || view.lastSeq < 0)) {
    const unknown = problem.code === "call.unknown";
    return (
      <Notice title={unknown ? t.list.unknown : t.list.lost}>
        {unknown ? t.list.unknownHint : t.app.failed(problem.code)}
      </Notice>
    );
  }
  if (view === null) {
    return (
      <>
        <h1 className="visually-hidden">{t.app.live}</h1>
        <Notice title={t.list.choose}>{t.list.chooseHint}</Notice>
      </>
    );
  }
  if (view.lastSeq < 0) {
    return (
      <div aria-busy="true" className="live-loading">
        <h1 className="visually-hidden">{t.app.live}</h1>
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
      live={snapshot.caughtUp && view.ended === null}
      actions={<Supervise view={view} />}
    />
  );
}
