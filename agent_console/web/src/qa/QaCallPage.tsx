import { useCallback, useEffect, useRef, useState } from "react";
import { NavLink } from "../app/router";
import { CallPanel } from "../callview/CallPanel";
import { useText } from "../i18n/text";
import { useSession } from "../session/session";
import { BackIcon } from "../ui/icons";
import { Notice } from "../ui/Notice";
import { fetchAllEvents, fetchCall, recordingUrl } from "../wire/api";
import type { CallSummary } from "../wire/events";
import { fold } from "../wire/fold";
import { Problem } from "../wire/http";
import { emptyView, type CallView } from "../wire/state";
import { Player, type PlayerControl } from "./Player";
import "./qa.css";

type Loaded =
  | { readonly name: "asking" }
  | { readonly name: "here"; readonly summary: CallSummary; readonly view: CallView }
  | { readonly name: "unknown" }
  | { readonly name: "broken"; readonly code: string };

/** A recorded call: the live view, fed from its journal, beside its recording. */
export function QaCallPage({ call }: { readonly call: string }) {
  const { t } = useText();
  const { expired } = useSession();
  const [loaded, setLoaded] = useState<Loaded>({ name: "asking" });
  const [attempt, setAttempt] = useState(0);
  const [playheadMs, setPlayheadMs] = useState<number | null>(null);
  const player = useRef<PlayerControl>(null);

  useEffect(() => {
    let stale = false;
    Promise.all([fetchCall(call), fetchAllEvents(call, -1)]).then(
      ([summary, events]) => {
        if (!stale) setLoaded({ name: "here", summary, view: fold(emptyView(call), events).view });
      },
      (error: unknown) => {
        if (stale) return;
        if (!(error instanceof Problem)) throw error;
        if (error.status === 401) expired();
        else setLoaded(error.status === 404 ? { name: "unknown" } : { name: "broken", code: error.code });
      },
    );
    return () => {
      stale = true;
    };
  }, [call, attempt, expired]);
  useEffect(() => {
    document.title = `${t.app.qa} · ${t.app.name}`;
  }, [t]);

  const seek = useCallback((ms: number) => player.current?.seek(ms), []);

  return (
    <main id="main" className="qa-call">
      <div className="qa-bar">
        <NavLink to="/qa" className="button quiet">
          <BackIcon />
          {t.qa.allCalls}
        </NavLink>
        {loaded.name === "here" && loaded.summary.recording ? (
          <Player source={recordingUrl(call)} ref={player} onPosition={setPlayheadMs} />
        ) : null}
        {loaded.name === "here" && !loaded.summary.recording ? <p className="soft">{t.qa.noRecording}</p> : null}
      </div>
      {loaded.name === "here" && !loaded.summary.ended ? (
        <p className="banner banner-unreachable">
          <span>{t.qa.stillRunning}</span>
          <NavLink to={`/?call=${encodeURIComponent(call)}`} className="button quiet small">
            {t.qa.watchLive}
          </NavLink>
        </p>
      ) : null}
      {loaded.name === "here" ? (
        <CallPanel
          view={loaded.view}
          durationMs={loaded.summary.duration_ms ?? loaded.view.atMs}
          live={false}
          review
          playheadMs={playheadMs}
          onSeek={loaded.summary.recording ? seek : undefined}
        />
      ) : (
        <Waiting
          loaded={loaded}
          onRetry={() => {
            setLoaded({ name: "asking" });
            setAttempt(attempt + 1);
          }}
        />
      )}
    </main>
  );
}

function Waiting({ loaded, onRetry }: { readonly loaded: Loaded; readonly onRetry: () => void }) {
  const { t } = useText();
  if (loaded.name === "unknown") return <Notice title={t.list.unknown}>{t.list.unknownHint}</Notice>;
  if (loaded.name === "broken") {
    return (
      <Notice
        title={t.list.lost}
        action={
          <button type="button" className="button" onClick={onRetry}>
            {t.app.retry}
          </button>
        }
      >
        {t.app.failed(loaded.code)}
      </Notice>
    );
  }
  return <p className="soft live-loading">{t.app.loading}</p>;
}
