import { useEffect, useState } from "react";
import { NavLink } from "../app/router";
import { named, useText } from "../i18n/text";
import { useSession } from "../session/session";
import { LevelChip, RouteChip } from "../ui/Chip";
import { Notice } from "../ui/Notice";
import { clock, moment } from "../ui/time";
import { fetchCalls } from "../wire/api";
import type { CallSummary } from "../wire/events";
import { Problem } from "../wire/http";
import "./qa.css";

const PAGE = 30;

/** The recorded calls, newest first, page by page. */
export function QaListPage() {
  const { t } = useText();
  const { expired } = useSession();
  const [calls, setCalls] = useState<readonly CallSummary[]>([]);
  const [state, setState] = useState<"asking" | "more" | "all" | "broken">("asking");
  const [before, setBefore] = useState<string | undefined>(undefined);
  const [attempt, setAttempt] = useState(0);

  useEffect(() => {
    let stale = false;
    fetchCalls(PAGE, before).then(
      (page) => {
        if (stale) return;
        setCalls((known) => merge(known, page));
        setState(page.length < PAGE ? "all" : "more");
      },
      (error: unknown) => {
        if (stale) return;
        if (error instanceof Problem && error.status === 401) expired();
        else setState("broken");
      },
    );
    return () => {
      stale = true;
    };
  }, [before, attempt, expired]);
  useEffect(() => {
    document.title = `${t.app.qa} · ${t.app.name}`;
  }, [t]);

  const ended = calls.filter((one) => one.ended);
  return (
    <main id="main" className="page qa">
      <h1>{t.qa.title}</h1>
      <p className="soft">{t.qa.lead}</p>
      {ended.length > 0 ? <CallTable calls={ended} /> : null}
      {ended.length === 0 && state === "all" ? (
        <Notice
          title={t.qa.empty}
          action={
            <a className="button" href="/call" target="_blank" rel="noreferrer">
              {t.list.openCall}
            </a>
          }
        >
          {t.qa.emptyHint}
        </Notice>
      ) : null}
      <div className="qa-more" role="status">
        {state === "asking" ? <p className="soft">{t.qa.loadingMore}</p> : null}
        {state === "all" && ended.length > 0 ? <p className="soft">{t.qa.all}</p> : null}
        {state === "more" ? (
          <button
            type="button"
            className="button"
            onClick={() => {
              setState("asking");
              setBefore(calls.at(-1)?.started_at);
            }}
            data-testid="qa-older"
          >
            {t.qa.older}
          </button>
        ) : null}
        {state === "broken" ? (
          <>
            <p>{t.app.unreachable}</p>
            <button
              type="button"
              className="button"
              onClick={() => {
                setState("asking");
                setAttempt(attempt + 1);
              }}
            >
              {t.app.retry}
            </button>
          </>
        ) : null}
      </div>
    </main>
  );
}

/** One list without doubles: a page may be fetched twice. */
function merge(known: readonly CallSummary[], page: readonly CallSummary[]): readonly CallSummary[] {
  const all = new Map([...known, ...page].map((one) => [one.call, one]));
  return [...all.values()];
}

function CallTable({ calls }: { readonly calls: readonly CallSummary[] }) {
  const { t, tongue } = useText();
  return (
     
    <div className="table-box" tabIndex={0} role="region" aria-label={t.qa.table}>
      <table className="qa-table">
        <caption className="visually-hidden">{t.qa.table}</caption>
        <thead>
          <tr>
            <th scope="col">{t.qa.caller}</th>
            <th scope="col">{t.qa.started}</th>
            <th scope="col" className="number">
              {t.qa.duration}
            </th>
            <th scope="col">{t.qa.outcome}</th>
            <th scope="col">{t.qa.emotion}</th>
            <th scope="col" className="number">
              {t.qa.priority}
            </th>
            <th scope="col">{t.call.intent}</th>
            <th scope="col">{t.qa.recording}</th>
            <th scope="col">{t.qa.lastWords}</th>
          </tr>
        </thead>
        <tbody>
          {calls.map((one) => (
            <tr key={one.call} data-testid="qa-row" data-call={one.call}>
              <th scope="row">
                <NavLink to={`/qa/${encodeURIComponent(one.call)}`} label={t.qa.open(one.caller)} testId="qa-link">
                  {one.caller}
                </NavLink>
              </th>
              <td className="figures nowrap">{moment(one.started_at, tongue)}</td>
              <td className="figures number">{clock(one.duration_ms ?? 0)}</td>
              <td>{one.route === null ? t.call.notYet : <RouteChip target={one.route} />}</td>
              <td>
                <LevelChip level={one.level} />
              </td>
              <td className="figures number">{one.priority}</td>
              <td className="nowrap">{one.intent === null ? t.call.notYet : named(t.open.intent, one.intent)}</td>
              <td className={one.recording ? "" : "soft"}>{one.recording ? t.qa.has : t.qa.hasNot}</td>
              <td className="qa-words soft" lang={one.language === "zh" ? "zh-CN" : one.language}>
                {one.last_text}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
