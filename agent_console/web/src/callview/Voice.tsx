/** How an utterance was spoken: melody and measurements. */

import { useText } from "../i18n/text";
import { plain } from "../ui/figures";
import type { Features } from "../wire/events";
import { melody, voiceRows, type Melody } from "./voiceRows";

export function Voice({ features }: { readonly features: Features }) {
  const { t } = useText();
  const line = melody(features);
  const rows = voiceRows(features, t);
  if (line === null && rows.length === 0) return null;
  return (
    <div className="voice" data-testid="voice">
      <h3>{t.voice.title}</h3>
      {line === null ? null : <MelodyLine line={line} />}
      <dl className="voice-rows">
        {rows.map((one) => (
          <div key={one.name} data-feature={one.name}>
            <dt>{one.title}</dt>
            <dd className="figures">{one.value}</dd>
          </div>
        ))}
      </dl>
    </div>
  );
}

const [WIDTH, HEIGHT, MARGIN] = [240, 40, 4];

function MelodyLine({ line }: { readonly line: Melody }) {
  const { t } = useText();
  const [low, high, first, last] = [line.lowHz, line.highHz, line.firstHz, line.lastHz].map((hz) => plain(hz));
  const point = ([x, y]: readonly [number, number]): string =>
    `${(MARGIN + x * (WIDTH - 2 * MARGIN)).toFixed(1)} ${(MARGIN + y * (HEIGHT - 2 * MARGIN)).toFixed(1)}`;
  // A single voiced moment becomes a line of no length, which round ends make a dot.
  const path = line.stretches.map((one) => `M${[...one, ...(one.length === 1 ? one : [])].map(point).join("L")}`).join("");
  return (
    <figure className="melody">
      <svg
        viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
        preserveAspectRatio="none"
        role="img"
        aria-label={t.voice.melody(first ?? "", last ?? "", low ?? "", high ?? "")}
        data-testid="melody"
        data-stretches={line.stretches.length}
      >
        <path d={path} />
      </svg>
      <figcaption className="soft figures" aria-hidden="true">
        <span>{high} Hz</span>
        <span>{low} Hz</span>
      </figcaption>
    </figure>
  );
}
