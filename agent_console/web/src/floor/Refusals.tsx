import { useEffect, useState } from "react";
import { named, useText } from "../i18n/text";
import { fetchRefusals } from "../wire/desk";
import { Problem } from "../wire/http";

const EVERY_MS = 10_000;

/** Why calls were turned away since the server started, most frequent first; nothing where the server counts nothing. */
export function Refusals() {
  const { t } = useText();
  const [refusals, setRefusals] = useState<Readonly<Record<string, number>> | null>(null);
  useEffect(() => {
    let over = false;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const ask = async (): Promise<void> => {
      try {
        const found = await fetchRefusals();
        if (over) return;
        setRefusals(found);
      } catch (error) {
        // A server that counts nothing will not begin to; any other trouble may pass.
        if (error instanceof Problem && error.code === "metrics.absent") return;
      }
      timer = setTimeout(() => void ask(), EVERY_MS);
    };
    void ask();
    return () => {
      over = true;
      clearTimeout(timer);
    };
  }, []);
  if (refusals === null) return null;
  const rows = Object.entries(refusals).sort(([a, many], [b, more]) => more - many || a.localeCompare(b));
  return (
    <div className="floor-part" data-testid="floor-refusals">
      <h2 id="floor-refused">{t.refusals.title}</h2>
      {rows.length === 0 ? (
        <p className="soft">{t.refusals.none}</p>
      ) : (
        <div className="table-box" role="region" aria-labelledby="floor-refused" tabIndex={0}>
          <table className="floor-table">
            <thead>
              <tr>
                <th scope="col">{t.refusals.why}</th>
                <th scope="col">{t.refusals.code}</th>
                <th scope="col" className="number">{t.refusals.count}</th>
              </tr>
            </thead>
            <tbody>
              {rows.map(([reason, count]) => (
                <tr key={reason} data-testid="floor-refusal" data-reason={reason}>
                  <th scope="row">{named(t.refusals.reason, reason)}</th>
                  <td>
                    <code>{reason}</code>
                  </td>
                  <td className="number figures">{count}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </div>
  );
}
