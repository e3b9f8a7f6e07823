/** Which number was dialled, from where the call was diverted, and what else the other side's exchange told. */

import { NavLink } from "../app/router";
import { named, useText } from "../i18n/text";
import { Tip } from "../ui/Tip";
import { Fact } from "./Fact";
import type { CallOrigin } from "./callOrigin";

export function Origin({ origin }: { readonly origin: CallOrigin }) {
  const { t } = useText();
  const { called, diversion, callbackOf, more } = origin;
  return (
    <>
      {called === null ? null : (
        <Fact name={t.origin.called} testId="called">
          {called}
        </Fact>
      )}
      {callbackOf === null ? null : (
        <Fact name={t.origin.callback} testId="callback-of">
          <NavLink to={`/?call=${encodeURIComponent(callbackOf)}`}>{t.origin.before}</NavLink>
        </Fact>
      )}
      {diversion === null ? null : (
        <Fact name={t.origin.diverted} testId="diverted">
          {diversion.from}
          {diversion.reason === null ? null : <span className="soft"> · {named(t.origin.reason, diversion.reason)}</span>}
        </Fact>
      )}
      {more.length === 0 ? null : (
        <Fact name={t.origin.more} testId="origin-more">
          <Tip label={t.origin.show(more.length)}>
            <span className="quality-note">{t.origin.theirs}</span>
            <span className="origin-rows">
              {more.map(([name, value]) => (
                <span key={name}>
                  <span className="soft">{named(t.origin.attribute, name)}</span>
                  <span>{value}</span>
                </span>
              ))}
            </span>
          </Tip>
        </Fact>
      )}
    </>
  );
}
