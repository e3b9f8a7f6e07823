import { useText } from "../i18n/text";
import { Chip } from "../ui/Chip";
import { percent } from "../ui/figures";
import { clock } from "../ui/time";
import type { DeskQueue } from "../wire/desk";

export function QueueTable({ queues }: { readonly queues: readonly DeskQueue[] }) {
  const { t, pick } = useText();
  const time = (seconds: number): string => clock(1000 * seconds);
  return (
    <div className="floor-part">
      <h2 id="floor-queues">{t.floor.queues}</h2>
      <div className="table-box" role="region" aria-labelledby="floor-queues" tabIndex={0}>
        <table className="floor-table">
          <thead>
            <tr>
              <th scope="col">{t.floor.queue}</th>
              <th scope="col" className="number">{t.floor.waiting}</th>
              <th scope="col" className="number">{t.floor.longest}</th>
              <th scope="col" className="number">{t.floor.inTarget}</th>
              <th scope="col" className="number">{t.floor.abandoned}</th>
              <th scope="col" className="number">{t.floor.meanWait}</th>
              <th scope="col" className="number">{t.floor.meanHandle}</th>
            </tr>
          </thead>
          <tbody>
            {queues.map((one) => (
              <tr key={one.queue} data-testid="floor-queue" data-queue={one.queue}>
                <th scope="row">
                  {pick(one.title)}{" "}
                  {one.open ? null : <Chip kind="ai">{t.floor.closed}</Chip>}
                  {one.open && !one.staffed ? <Chip kind="tense">{t.floor.unstaffed}</Chip> : null}
                </th>
                <td className={`number figures ${one.waiting > 0 ? "strong" : ""}`}>{one.waiting}</td>
                <td className="number figures">{one.waiting === 0 ? t.floor.none : time(one.longest_wait_s)}</td>
                <td className="number figures">
                  {one.answered === 0 ? (
                    t.floor.none
                  ) : (
                    <>
                      {percent(one.answered_in_target / one.answered)}%{" "}
                      <span className="soft">
                        {one.answered_in_target}/{one.answered}
                      </span>
                    </>
                  )}
                </td>
                <td className="number figures">{one.abandoned}</td>
                <td className="number figures">{one.answered === 0 ? t.floor.none : time(one.mean_wait_s)}</td>
                <td className="number figures">{one.answered === 0 ? t.floor.none : time(one.mean_handle_s)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </div>
  );
}
