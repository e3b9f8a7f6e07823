/** The state of the connection, said aloud when it is lost and when it is back. */

import { useText } from "../i18n/text";
import type { LiveSnapshot } from "./liveCalls";

interface BannerProps {
  readonly snapshot: LiveSnapshot;
  readonly onRetry: () => void;
}

export type BannerKind = "lost" | "unreachable" | "resumed" | "none";

/** Which banner a state of the connection calls for. */
export function bannerKind({ link, wasOpen, resumed }: LiveSnapshot): BannerKind {
  if (link.name === "open") return resumed === null ? "none" : "resumed";
  if (link.name === "idle" || link.name === "signed_out") return "none";
  if (wasOpen) return "lost";
  return link.name === "waiting" || link.attempt > 0 ? "unreachable" : "none";
}

export function Banner({ snapshot, onRetry }: BannerProps) {
  const { t } = useText();
  const kind = bannerKind(snapshot);
  const text = {
    lost: t.link.lost,
    unreachable: t.link.unreachable,
    resumed: t.link.resumed(snapshot.resumed?.events ?? 0),
    none: "",
  }[kind];
  return (
    <div
      className={`banner banner-${kind}`}
      role="status"
      data-testid="banner"
      data-kind={kind}
      data-events={kind === "resumed" ? snapshot.resumed?.events : undefined}
    >
      {text === "" ? null : <span>{text}</span>}
      {kind === "lost" || kind === "unreachable" ? (
        <button type="button" className="button quiet small" onClick={onRetry}>
          {t.link.retryNow}
        </button>
      ) : null}
    </div>
  );
}
