import { useEffect, useId, useRef, useState, type KeyboardEvent } from "react";
import { Refusal } from "../desk/PhoneTrouble";
import { usePhone, useWorkplace } from "../desk/workplace";
import { useText } from "../i18n/text";
import { CloseIcon } from "../ui/icons";
import type { TransferTarget } from "../wire/events";
import { ColleaguePane, OutsidePane, QueuePane, type Choice } from "./TargetPanes";
import { useTargets } from "./useTargets";

type Kind = TransferTarget["kind"];

interface PassOnDialogProps {
  readonly caller: string;
  readonly onClose: () => void;
}

/** Whom to consult, or to whom to pass the caller on. It stands beside the conversation, which goes on. */
export function PassOnDialog({ caller, onClose }: PassOnDialogProps) {
  const { t } = useText();
  const place = useWorkplace();
  const { doing, problem } = usePhone(place);
  const targets = useTargets();
  const dialog = useRef<HTMLDialogElement>(null);
  const [kind, setKind] = useState<Kind>("agent");
  const [tried, setTried] = useState(false);
  const heading = useId();
  const { prefixes, domains } = targets.outside;
  const kinds: readonly Kind[] = prefixes.length + domains.length > 0 ? ["agent", "queue", "uri"] : ["agent", "queue"];
  useEffect(() => {
    const shown = dialog.current;
    shown?.showModal();
    return () => shown?.close();
  }, []);
  const choose = ({ act, target }: Choice): void => {
    setTried(true);
    const asked = act === "consult" ? place.phone.consult(target) : place.phone.passOn(target);
    void asked.then((done) => (done ? onClose() : undefined));
  };
  const pane = { locked: doing !== null, onChoose: choose };
  const loading = targets.agents === null && !targets.stale;
  return (
    <dialog ref={dialog} className="pass-on" aria-labelledby={heading} onClose={onClose} data-testid="pass-dialog">
      <div className="pass-head">
        <div>
          <h2 id={heading}>{t.passing.title}</h2>
          <p className="soft">{t.passing.lead(caller)}</p>
        </div>
        <button
          type="button"
          className="button quiet square"
          aria-label={t.passing.close}
          title={t.passing.close}
          onClick={() => dialog.current?.close()}
          data-testid="pass-close"
        >
          <CloseIcon />
        </button>
      </div>
      <Tabs kinds={kinds} kind={kind} onKind={setKind} panel={`${heading}-panel`} />
      <div id={`${heading}-panel`} role="tabpanel" aria-label={t.passing.tabs[kind]} className="pass-panel" aria-busy={loading}>
        {loading ? <p className="soft pass-none">{t.app.loading}</p> : null}
        {kind === "agent" && targets.agents !== null ? (
          <ColleaguePane agents={targets.agents} me={place.session.user} {...pane} />
        ) : null}
        {kind === "queue" && targets.queues !== null ? <QueuePane queues={targets.queues} {...pane} /> : null}
        {kind === "uri" ? <OutsidePane outside={targets.outside} {...pane} /> : null}
      </div>
      {targets.stale ? <p className="pass-wrong" role="status">{t.passing.stale}</p> : null}
      {tried && problem !== null ? <Refusal code={problem.code} /> : null}
    </dialog>
  );
}

interface TabsProps {
  readonly kinds: readonly Kind[];
  readonly kind: Kind;
  readonly onKind: (kind: Kind) => void;
  readonly panel: string;
}

/** One stop of the tab key; the arrows go from one to the next. */
function Tabs({ kinds, kind, onKind, panel }: TabsProps) {
  const { t } = useText();
  const turn = (event: KeyboardEvent<HTMLButtonElement>): void => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (step === undefined) return;
    const next = kinds.at((kinds.indexOf(kind) + step) % kinds.length) ?? kind;
    onKind(next);
    event.currentTarget.parentElement?.querySelector<HTMLElement>(`[data-kind=${next}]`)?.focus();
    event.preventDefault();
  };
  return (
    <div className="pass-tabs" role="tablist" aria-label={t.passing.tabsLabel}>
      {kinds.map((one) => (
        <button
          key={one}
          type="button"
          role="tab"
          aria-selected={one === kind}
          aria-controls={panel}
          tabIndex={one === kind ? 0 : -1}
          onClick={() => onKind(one)}
          onKeyDown={turn}
          data-kind={one}
          data-testid={`pass-tab-${one}`}
        >
          {t.passing.tabs[one]}
        </button>
      ))}
    </div>
  );
}
