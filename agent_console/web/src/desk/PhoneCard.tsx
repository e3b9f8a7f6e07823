import { LevelMeter } from "../call/LevelMeter";
import { useText } from "../i18n/text";
import { CloseIcon, MicrophoneIcon, ReturnIcon } from "../ui/icons";
import { clock } from "../ui/time";
import { useTick } from "../ui/useTick";
import type { CallView } from "../wire/state";
import { isAsked, isConsulted } from "../passing/asked";
import { GuestControls, LeaveConsult } from "../passing/GuestControls";
import { useNames } from "./names";
import { HangUp, PhoneControls } from "./PhoneControls";
import { PhoneTrouble, Refusal } from "./PhoneTrouble";
import { useDesk, useLive, usePhone, useReturning, useWorkplace } from "./workplace";

interface PhoneCardProps {
  readonly call: string;
  readonly caller: string;
  readonly view: CallView | null;
}

/** The agent's phone: whether caller and agent hear each other, and what to do about it. */
export function PhoneCard({ call, caller, view }: PhoneCardProps) {
  const { t } = useText();
  const place = useWorkplace();
  const phone = usePhone(place);
  const mine = phone.call === call;
  const joined = mine && place.phone.busy;
  const state = mine ? phone.state : "idle";
  const returning = useReturning(place)?.call === call;
  const names = useNames();
  const guest = mine && phone.mode === "consult";
  const live = useLive(place);
  const desk = useDesk(place);
  const me = place.session.user;
  const belongs =
    !mine || desk?.agent?.calls.includes(call) === true || isConsulted(live, me, call) || isAsked(live, me, call);
  const by = live.calls.get(call)?.summary.consulted?.by ?? null;
  // Whoever is consulted is all that is heard while the caller waits.
  const consult = view?.passing.answered === true ? view.passing.consult : null;
  const peer = consult === null || !view?.held ? null : guest ? names.agent(consult.by) : names.target(consult.target);
  return (
    <section className="desk-card phone-box" aria-label={t.line.region} data-testid="agent-phone" data-state={state} data-call={call}>
      <div className="phone-box-head">
        <p className="phone-box-caller">{caller}</p>
        <p className={`phone-box-state state-${state}`} role="status" data-testid="agent-phone-state">
          {joined || state === "failed" ? t.line.state[state] : t.line.state.ended}
          <Timer connectedAt={joined ? phone.connectedAt : null} />
        </p>
      </div>
      {returning && !joined ? <ComingBack by={by} /> : null}
      {mine && phone.error !== null && !returning ? <PhoneTrouble error={phone.error} /> : null}
      {joined ? (
        <>
          <Meters own={phone.own} remote={phone.remote} peer={peer} />
          {guest ? <GuestControls view={view} /> : <PhoneControls view={view} caller={caller} />}
          <Microphones />
        </>
      ) : !belongs && !returning ? (
        <button type="button" className="button wide" onClick={() => place.phone.forget()} data-testid="phone-close">
          <CloseIcon />
          {t.passing.asked.dismiss}
        </button>
      ) : (
        <>
          {(phone.error === null || !mine) && !returning ? (
            <p>{state !== "ended" ? t.line.apart : guest ? t.passing.guest.lost : t.line.lost}</p>
          ) : null}
          <button
            type="button"
            className="button primary wide"
            disabled={place.phone.busy}
            onClick={() => void place.rejoin(call)}
            data-testid="phone-rejoin"
          >
            <MicrophoneIcon />
            {t.line.rejoin}
          </button>
          {guest ? <LeaveConsult /> : <HangUp call={call} />}
        </>
      )}
      {phone.problem === null ? null : <Refusal code={phone.problem.code} />}
    </section>
  );
}

/** What a reloaded page, or one whose connection broke, does about it. */
function ComingBack({ by }: { readonly by: string | null }) {
  const { t } = useText();
  const names = useNames();
  const returning = useReturning(useWorkplace());
  const why = returning?.why ?? "lost";
  const guest = returning?.as === "consult";
  return (
    <p className="coming-back" role="status" data-testid="coming-back" data-why={why}>
      <ReturnIcon />
      <span>
        {guest ? t.passing.guest.back[why] : t.line.back[why]}{" "}
        {!guest ? t.line.backCaller : by === null ? "" : t.passing.guest.backPeer(names.agent(by))}
      </span>
    </p>
  );
}

function Timer({ connectedAt }: { readonly connectedAt: number | null }) {
  const now = useTick(500, connectedAt !== null);
  if (connectedAt === null) return null;
  return (
    <span className="figures" aria-hidden="true">
      {clock(now - connectedAt)}
    </span>
  );
}

interface MetersProps {
  readonly own: MediaStream | null;
  readonly remote: MediaStream | null;
  /** Who is heard instead of the caller. */
  readonly peer?: string | null;
}

/** Both voices, so that each side is seen to be heard. */
export function Meters({ own, remote, peer = null }: MetersProps) {
  const { t } = useText();
  return (
    <dl className="meters">
      {own === null ? null : (
        <div>
          <dt>{t.line.you}</dt>
          <dd>
            <LevelMeter key={own.id} stream={own} label={t.line.yourLevel} testId="own-level" />
          </dd>
        </div>
      )}
      {remote === null ? null : (
        <div>
          <dt>{peer ?? t.words.party.caller}</dt>
          <dd>
            <LevelMeter key={remote.id} stream={remote} label={t.line.callerLevel} testId="caller-level" />
          </dd>
        </div>
      )}
    </dl>
  );
}

function Microphones() {
  const { t } = useText();
  const place = useWorkplace();
  const { microphone, microphones } = usePhone(place);
  if (microphones.length < 2) return null;
  return (
    <label className="field phone-box-mic">
      <span>{t.line.microphone}</span>
      <select value={microphone} onChange={(event) => void place.phone.choose(event.target.value)}>
        <option value="">{t.phone.defaultMicrophone}</option>
        {microphones.map((one, index) => (
          <option key={one.id} value={one.id}>
            {one.label === "" ? t.phone.unnamedMicrophone(index + 1) : one.label}
          </option>
        ))}
      </select>
    </label>
  );
}
