import { NavLink } from "../app/router";
import { useText } from "../i18n/text";
import type { DeskAgent } from "../wire/desk";

interface AgentTableProps {
  readonly agents: readonly DeskAgent[];
  readonly callerOf: (call: string) => string;
}

/** Who is there, what they do, and whom they serve. */
export function AgentTable({ agents, callerOf }: AgentTableProps) {
  const { t } = useText();
  return (
    <div className="floor-part">
      <h2 id="floor-agents">{t.floor.agents}</h2>
      {agents.length === 0 ? (
        <p className="soft">{t.floor.noAgents}</p>
      ) : (
        <div className="table-box" role="region" aria-labelledby="floor-agents" tabIndex={0}>
          <table className="floor-table">
            <thead>
              <tr>
                <th scope="col">{t.floor.agent}</th>
                <th scope="col">{t.floor.presence}</th>
                <th scope="col">{t.floor.calls}</th>
                <th scope="col">{t.floor.skills}</th>
              </tr>
            </thead>
            <tbody>
              {agents.map((one) => (
                <tr key={one.agent} data-testid="floor-agent" data-agent={one.agent} data-presence={one.presence}>
                  <th scope="row">
                    {one.name === "" ? one.agent : one.name}
                    {one.name === "" || one.name === one.agent ? null : <span className="soft"> {one.agent}</span>}
                  </th>
                  <td>
                    <span className={`presence-chip presence-${one.presence}`}>
                      <span className="presence-dot" aria-hidden="true" />
                      {one.reservation === null ? t.presence.is[one.presence] : t.floor.contact.offered}
                    </span>
                  </td>
                  <td>
                    {one.calls.length === 0
                      ? t.floor.none
                      : one.calls.map((call) => (
                          <NavLink key={call} to={`/?call=${encodeURIComponent(call)}`} className="floor-call">
                            {callerOf(call)}
                          </NavLink>
                        ))}
                  </td>
                  <td className="soft">
                    {Object.entries(one.skills)
                      .map(([skill, level]) => `${skill} ${level}`)
                      .join(", ") || t.floor.none}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </div>
  );
}
