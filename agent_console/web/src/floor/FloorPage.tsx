import { useEffect } from "react";
import { useLive, useWorkplace } from "../desk/workplace";
import { useText } from "../i18n/text";
import { Notice } from "../ui/Notice";
import { AgentTable } from "./AgentTable";
import { ContactTable } from "./ContactTable";
import { QueueTable } from "./QueueTable";
import { Refusals } from "./Refusals";
import { useFloor } from "./useFloor";
import "./floor.css";

/** Queues, callers and agents at one glance. */
export function FloorPage() {
  const { t } = useText();
  const place = useWorkplace();
  const { calls } = useLive(place);
  const { state, absent, stale, refresh } = useFloor();
  useEffect(() => {
    document.title = `${t.floor.title} · ${t.app.name}`;
  }, [t]);
  const callerOf = (call: string): string => calls.get(call)?.summary.caller ?? call;
  if (absent) {
    return (
      <main id="main" className="page">
        <h1 className="visually-hidden">{t.floor.title}</h1>
        <Notice title={t.desk.absent}>{t.desk.absentHint}</Notice>
      </main>
    );
  }
  return (
    <main id="main" className="page floor" aria-busy={state === null} data-testid="floor">
      <div className="floor-head">
        <h1>{t.floor.title}</h1>
        <p className="soft">{t.floor.lead}</p>
        <p className="floor-stale" role="status">
          {stale ? t.floor.stale : ""}
        </p>
      </div>
      {state === null ? (
        <p className="soft">{t.app.loading}</p>
      ) : (
        <>
          <QueueTable queues={state.queues} />
          <ContactTable
            contacts={state.contacts}
            queues={state.queues}
            callerOf={callerOf}
            mayChange={place.supervises}
            onChanged={refresh}
          />
          <AgentTable agents={state.agents} callerOf={callerOf} />
          {place.supervises ? <Refusals /> : null}
        </>
      )}
    </main>
  );
}
