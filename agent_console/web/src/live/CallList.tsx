/** The calls, most urgent first. */

import { NavLink } from "../app/router";
import { useText } from "../i18n/text";
import { LevelChip, RouteChip } from "../ui/Chip";
import { RiskTag } from "../ui/Risk";
import { clock, moment } from "../ui/time";
import { urgency } from "../ui/urgency";
import { useTick } from "../ui/useTick";
import { runningMs, sortCalls, type Order } from "./order";
import type { ListedCall, LiveSnapshot } from "./liveCalls";

interface CallListProps {
  readonly calls: LiveSnapshot["calls"];
  readonly listed: boolean;
  readonly watched: string | null;
  readonly order: Order;
  readonly onOrder: (order: Order) => void;
}

export function CallList({ calls, listed, watched, order, onOrder }: CallListProps) {
  const { t } = useText();
  const { live, recent } = sortCalls(calls.values(), order);
  const now = useTick(1000, live.length > 0);
  return (
    <nav className="calls" aria-label={t.list.title} data-testid="call-list">
      <h2 className="visually-hidden">{t.list.title}</h2>
      {calls.size === 0 ? <p className="soft calls-note">{listed ? t.list.empty : t.list.loading}</p> : null}
      {live.length === 0 ? null : <OrderChoice order={order} onOrder={onOrder} />}
      <Group title={t.list.live(live.length)} calls={live} now={now} watched={watched} />
      <Group title={t.list.recent(recent.length)} calls={recent} now={now} watched={watched} />
    </nav>
  );
}

const ORDERS = ["priority", "risk"] as const;

function OrderChoice({ order, onOrder }: Pick<CallListProps, "order" | "onOrder">) {
  const { t } = useText();
  return (
    <fieldset className="calls-order">
      <legend>{t.list.order}</legend>
      {ORDERS.map((one) => (
        <label key={one} title={one === "risk" ? t.risk.meaning : undefined}>
          <input
            type="radio"
            name="order"
            value={one}
            checked={order === one}
            onChange={() => onOrder(one)}
            data-testid={`order-${one}`}
          />
          <span>{one === "risk" ? t.risk.short : t.call.priority}</span>
        </label>
      ))}
    </fieldset>
  );
}

interface GroupProps {
  readonly title: string;
  readonly calls: readonly ListedCall[];
  readonly now: number;
  readonly watched: string | null;
}

function Group({ title, calls, now, watched }: GroupProps) {
  if (calls.length === 0) return null;
  return (
    <>
      <h3 className="calls-group">{title}</h3>
      <ul>
        {calls.map((one) => (
          <li key={one.summary.call}>
            <Item one={one} now={now} current={one.summary.call === watched} />
          </li>
        ))}
      </ul>
    </>
  );
}

function Item({ one, now, current }: { readonly one: ListedCall; readonly now: number; readonly current: boolean }) {
  const { t, tongue } = useText();
  const { summary } = one;
  const duration = clock(runningMs(one, now));
  return (
    <NavLink
      to={`/?call=${encodeURIComponent(summary.call)}`}
      className={`calls-item ${summary.ended ? "over" : "going"} level-${summary.level}`}
      current={current}
      testId="call-item"
    >
      <span className="calls-caller" data-call={summary.call}>
        {summary.caller}
      </span>
      <span className="calls-time figures soft">
        {summary.ended ? `${moment(summary.started_at, tongue)} · ${duration}` : duration}
      </span>
      <span className="calls-words" lang={summary.language === "zh" ? "zh-CN" : summary.language}>
        {summary.last_text === "" ? t.list.noWords : summary.last_text}
      </span>
      <span className="calls-chips">
        {summary.route === null ? null : <RouteChip target={summary.route} />}
        <LevelChip level={summary.level} />
        {summary.ended ? null : <RiskTag risk={summary.risk} />}
        {summary.priority === 0 ? null : (
          <span className={`calls-priority figures ${urgency(summary.priority)}`} title={t.call.priorityValue(summary.priority)}>
            <span className="visually-hidden">{t.call.priority} </span>P{summary.priority}
          </span>
        )}
      </span>
    </NavLink>
  );
}
