import { useMemo, type ReactNode } from "react";
import { named, useText } from "../i18n/text";
import { percent } from "../ui/figures";
import { RiskBar, riskLevel } from "../ui/Risk";
import { clock } from "../ui/time";
import { Tip } from "../ui/Tip";
import { TOP_PRIORITY, urgency } from "../ui/urgency";
import type { CallView } from "../wire/state";
import { MicrophoneIcon } from "../ui/icons";
import { CallState } from "./CallState";
import { Evidence } from "./Evidence";
import { Fact } from "./Fact";
import { originOf } from "./callOrigin";
import { Origin } from "./Origin";
import { shiftReason } from "./shiftReason";

interface CallHeaderProps {
  readonly view: CallView;
  readonly durationMs: number;
  readonly onJump: (segment: number) => void;
  /** What may be done with the call, below its name. */
  readonly actions?: ReactNode;
}

/** Who calls, and the verdicts that matter: who serves, how urgent, in what mood, and where that leads. */
export function CallHeader({ view, durationMs, onJump, actions }: CallHeaderProps) {
  const { t, pick } = useText();
  const { started, ended, route, priorityChange, intent } = view;
  const lastShift = view.shifts.at(-1);
  const origin = useMemo(() => originOf(started), [started]);
  return (
    <header className="call-head">
      <div className="call-title">
        <h1>{started?.caller ?? view.call}</h1>
        {origin.callerName === null ? null : (
          <span className="caller-name" data-testid="caller-name">
            {origin.callerName}
          </span>
        )}
        <Status view={view} />
        <dl className="facts">
          <Fact name={t.call.duration}>
            <time className="figures">{clock(ended?.duration_ms ?? durationMs)}</time>
          </Fact>
          {started === null ? null : (
            <>
              <Fact name={t.call.channel}>{t.words.channel[started.channel]}</Fact>
              <Origin origin={origin} />
              <Fact name={t.call.language}>{named(t.open.language, started.language)}</Fact>
            </>
          )}
          {intent === null ? null : (
            <Fact name={t.call.intent}>
              <span title={t.call.confidence(Math.round(intent.confidence * 100))}>
                {named(t.open.intent, intent.label)}
                <span className="soft"> · {t.words.grade[intent.grade]}</span>
              </span>
            </Fact>
          )}
        </dl>
      </div>
      <CallState view={view} />
      {actions}
      <div className="verdicts">
        <Verdict
          name={t.call.route}
          testId="route"
          kind={route?.target ?? "none"}
          value={route === null ? t.call.notYet : route.target === "ai" ? t.call.ai : t.call.human}
          data={route?.target ?? ""}
          reason={route === null ? t.call.undecided : pick(route.reason)}
          title={route === null ? undefined : `${t.call.policy(route.policy_version)} · ${route.rule}`}
        >
          {route === null ? null : <Evidence view={view} segments={route.evidence} onJump={onJump} />}
        </Verdict>
        <Verdict
          name={t.call.priority}
          testId="priority"
          kind={urgency(view.priority)}
          value={
            <>
              {view.priority}
              <span className="verdict-of">/ {TOP_PRIORITY}</span>
            </>
          }
          data={String(view.priority)}
          reason={priorityChange === null ? t.call.noPriority : pick(priorityChange.reason)}
          title={
            priorityChange === null
              ? undefined
              : `${t.call.policy(priorityChange.policy_version)} · ${priorityChange.rule}`
          }
        >
          {priorityChange === null ? null : (
            <Evidence view={view} segments={priorityChange.evidence} onJump={onJump} />
          )}
        </Verdict>
        <Verdict
          name={t.call.emotion}
          testId="level"
          kind={view.level}
          value={t.words.level[view.level]}
          data={view.level}
          reason={
            lastShift === undefined ? "" : `${shiftReason(lastShift.reason, t)} · ${t.call.since(clock(lastShift.atMs))}`
          }
        >
          {lastShift === undefined ? null : <Evidence view={view} segments={lastShift.segments} onJump={onJump} />}
        </Verdict>
        <Risk risk={view.risk} />
      </div>
      {view.agentToneAllowed === null ? null : (
        <p className="agent-tone-notice" role="note" data-testid="agent-tone-notice">
          <MicrophoneIcon />
          <span>
            <strong>{t.agentTone.notice}</strong> {t.agentTone.basis(view.agentToneAllowed.legal_basis)}{" "}
            {t.agentTone.never}
          </span>
        </p>
      )}
    </header>
  );
}

/** Where the caller's distress is heading. */
function Risk({ risk }: { readonly risk: number | null }) {
  const { t } = useText();
  const level = risk === null ? "settled" : riskLevel(risk);
  return (
    <div className={`verdict verdict-risk verdict-${level}`} data-testid="risk" data-value={risk === null ? "" : percent(risk)}>
      <p className="verdict-name">
        {t.risk.title}
        <Tip label={t.risk.ask} testId="risk-tip">
          {t.risk.explained}
        </Tip>
      </p>
      <p className="verdict-value figures">
        {risk === null ? (
          t.call.notYet
        ) : (
          <>
            {percent(risk)}
            <span className="verdict-of">/ 100</span>
          </>
        )}
      </p>
      <div className="verdict-why">{risk === null ? null : <RiskBar risk={risk} />}</div>
    </div>
  );
}

function Status({ view }: { readonly view: CallView }) {
  const { t } = useText();
  if (view.ended !== null) {
    return (
      <span className="status" data-testid="call-status" data-status="ended">
        {t.call.ended} · {t.words.endReason[view.ended.reason]}
      </span>
    );
  }
  return (
    // That the caller waits is told by the chip below, with whoever else has to do with the call.
    <span className="status on" data-testid="call-status" data-status={view.held ? "held" : "live"}>
      {t.call.live}
    </span>
  );
}

interface VerdictProps {
  readonly name: string;
  readonly value: ReactNode;
  readonly kind: string;
  readonly data: string;
  readonly reason: string;
  readonly title?: string | undefined;
  readonly testId: string;
  readonly children: ReactNode;
}

function Verdict({ name, value, kind, data, reason, title, testId, children }: VerdictProps) {
  return (
    <div className={`verdict verdict-${kind}`} data-testid={testId} data-value={data} title={title}>
      <p className="verdict-name">{name}</p>
      <p className="verdict-value figures">{value}</p>
      <div className="verdict-why">
        {reason === "" ? null : <p>{reason}</p>}
        {children}
      </div>
    </div>
  );
}
