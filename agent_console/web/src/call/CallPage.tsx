import { useEffect, useState, useSyncExternalStore } from "react";
import { NavLink, useAddress } from "../app/router";
import { useText, type Tongue } from "../i18n/text";
import { HangUpIcon, PhoneIcon, WarningIcon } from "../ui/icons";
import { clock } from "../ui/time";
import { useTick } from "../ui/useTick";
import { LevelMeter } from "./LevelMeter";
import type { PhoneError } from "./microphone";
import { Phone, type PhoneSnapshot } from "./phone";
import { RemoteAudio } from "./RemoteAudio";
import "./call.css";

/** What callers can choose to speak, each in its own words. */
const SPOKEN = [
  { language: "zh", tongue: "zh-CN", name: "中文" },
  { language: "en", tongue: "en", name: "English" },
] as const satisfies readonly { language: string; tongue: Tongue; name: string }[];

/** So many of the newest things that the caller was told are shown. */
const SHOWN = 3;

/** The caller's page: one button. */
export function CallPage() {
  const { t, tongue, speak } = useText();
  const linked = useAddress().searchParams.get("language");
  const [phone] = useState(() => new Phone());
  const snapshot = useSyncExternalStore(phone.subscribe, phone.snapshot);
  const busy = phone.busy;
  const language = tongue === "en" ? "en" : "zh";

  // A link may say which language its readers speak.
  useEffect(() => {
    const spoken = SPOKEN.find((one) => one.language === linked);
    if (spoken !== undefined) speak(spoken.tongue);
  }, [linked, speak]);
  useEffect(() => {
    document.title = `${t.phone.title} · ${t.app.name}`;
  }, [t]);
  useEffect(() => {
    const leave = (): void => phone.stop();
    window.addEventListener("pagehide", leave);
    return () => {
      window.removeEventListener("pagehide", leave);
      phone.stop();
    };
  }, [phone]);

  return (
    <main id="main" className="phone">
      <div className="phone-card">
        <h1>{t.phone.title}</h1>
        <p className="phone-lead">{t.phone.lead}</p>
        <Choices
          language={language}
          locked={busy}
          snapshot={snapshot}
          onSpeak={speak}
          onMicrophone={(id) => void phone.choose(id)}
        />
        <button
          type="button"
          className={`call-button ${busy ? "hang-up" : ""}`}
          onClick={() => {
            if (busy) phone.stop();
            else void phone.start(language);
          }}
          data-testid="call-button"
        >
          {busy ? <HangUpIcon /> : <PhoneIcon />}
          <span>{busy ? t.phone.hangUp : snapshot.state === "idle" ? t.phone.start : t.phone.again}</span>
        </button>
        <p className="call-state" role="status">
          <span data-testid="call-state" data-state={snapshot.state} data-call={snapshot.call ?? ""}>
            {t.phone.state[snapshot.state]}
          </span>
          <Timer snapshot={snapshot} />
        </p>
        {snapshot.error === null ? null : <Trouble error={snapshot.error} />}
        {snapshot.own === null ? null : <LevelMeter stream={snapshot.own} label={t.phone.level} speaking={t.phone.speaking} silent={t.phone.silent} />}
        {snapshot.connectedAt !== null && busy ? <InCall phone={phone} snapshot={snapshot} /> : null}
        <p className="phone-notice">{t.phone.notice}</p>
      </div>
      <p className="phone-foot">
        {t.phone.consoleHint} <NavLink to="/">{t.phone.consoleLink}</NavLink>
      </p>
      <RemoteAudio stream={snapshot.remote} />
    </main>
  );
}

interface ChoicesProps {
  readonly language: string;
  /** The language belongs to the call; it cannot change while one goes on. */
  readonly locked: boolean;
  readonly snapshot: PhoneSnapshot;
  readonly onSpeak: (tongue: Tongue) => void;
  readonly onMicrophone: (id: string) => void;
}

function Choices({ language, locked, snapshot, onSpeak, onMicrophone }: ChoicesProps) {
  const { t } = useText();
  return (
    <div className="choices">
      <fieldset className="spoken" disabled={locked}>
        <legend>{t.phone.iSpeak}</legend>
        {SPOKEN.map((one) => (
          <label key={one.language} lang={one.tongue}>
            <input
              type="radio"
              name="language"
              value={one.language}
              checked={one.language === language}
              onChange={() => onSpeak(one.tongue)}
              data-testid={`language-${one.language}`}
            />
            <span>{one.name}</span>
          </label>
        ))}
      </fieldset>
      <label className="field">
        <span>{t.phone.microphone}</span>
        <select
          value={snapshot.microphone}
          onChange={(event) => onMicrophone(event.target.value)}
          data-testid="mic-select"
        >
          <option value="">{t.phone.defaultMicrophone}</option>
          {snapshot.microphones.map((one, index) => (
            <option key={one.id} value={one.id}>
              {one.label === "" ? t.phone.unnamedMicrophone(index + 1) : one.label}
            </option>
          ))}
        </select>
      </label>
    </div>
  );
}

function Timer({ snapshot }: { readonly snapshot: PhoneSnapshot }) {
  const { t } = useText();
  const { connectedAt, endedAt } = snapshot;
  const now = useTick(500, connectedAt !== null && endedAt === null);
  if (connectedAt === null) return null;
  // The seconds must not be read out every time they change.
  return (
    <span className="call-timer figures" aria-hidden="true" title={t.phone.duration} data-testid="call-timer">
      {clock((endedAt ?? now) - connectedAt)}
    </span>
  );
}

function Trouble({ error }: { readonly error: PhoneError }) {
  const { t } = useText();
  const { what, todo } = t.phone.error[error.problem];
  return (
    <div className="trouble" role="alert" data-testid="call-error" data-problem={error.problem}>
      <WarningIcon />
      <div>
        <p className="trouble-what">{what}</p>
        <p>
          {error.retryAfterS === null ? todo : t.phone.retryIn(error.retryAfterS)}
        </p>
        {error.problem === "rejected" && error.code !== "" ? <p className="soft">{t.phone.code(error.code)}</p> : null}
      </div>
    </div>
  );
}

function InCall({ phone, snapshot }: { readonly phone: Phone; readonly snapshot: PhoneSnapshot }) {
  const { t, pick } = useText();
  const { human, told } = snapshot;
  return (
    <div className="in-call">
      <p className="disclosure">{t.phone.disclosure}</p>
      <button
        type="button"
        className="human-key"
        disabled={human === "asking"}
        onClick={() => void phone.askHuman()}
        data-testid="human-key"
        data-human={human}
      >
        <kbd aria-hidden="true">{t.phone.humanKey}</kbd>
        <span>{t.phone.human}</span>
      </button>
      <p className="human-answer" role="status">
        {human === "asked" ? t.phone.humanSent : human === "failed" ? t.phone.humanFailed : ""}
      </p>
      <div className="told" aria-live="polite" data-testid="told">
        {told.slice(-SHOWN).map((one) => (
          <p key={one.seq}>{pick(one.text)}</p>
        ))}
      </div>
    </div>
  );
}
