import { useText } from "../i18n/text";
import type { Presence } from "../wire/desk";
import { useDesk, useMaybeWorkplace } from "./workplace";

const CHOICES = ["ready", "break", "after_call", "offline"] as const satisfies readonly Presence[];

/** What the agent does, on every page. */
export function PresenceSwitch() {
  const { t } = useText();
  const place = useMaybeWorkplace();
  const desk = useDesk(place);
  if (place === null || desk?.state !== "open") return null;
  const { presence } = desk;
  const busy = desk.doing === "presence" || place.checking;
  return (
    <label className={`presence presence-${presence}`} data-testid="presence" data-presence={presence}>
      <span className="presence-dot" aria-hidden="true" />
      <span className="visually-hidden">{t.presence.label}</span>
      <select
        value={presence}
        disabled={busy}
        onChange={(event) => void place.setPresence(event.target.value as Presence)}
        data-testid="presence-select"
      >
        {presence === "busy" ? <option value="busy">{t.presence.is.busy}</option> : null}
        {CHOICES.map((one) => (
          <option key={one} value={one}>
            {t.presence.is[one]}
          </option>
        ))}
      </select>
    </label>
  );
}
