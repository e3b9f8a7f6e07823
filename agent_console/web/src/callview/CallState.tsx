/** Who is on the call and how it stands: served by, supervised, muted, on hold, not recorded, and the audio's quality. */

import { useText } from "../i18n/text";
import { Chip } from "../ui/Chip";
import { useNames } from "../desk/names";
import { passingState, type Passing } from "../wire/passing";
import { ConsultIcon, EarIcon, HoldIcon, MutedIcon, PeopleIcon, RecordIcon, SignalIcon } from "../ui/icons";
import { Tip } from "../ui/Tip";
import type { EventOf } from "../wire/events";
import type { CallView } from "../wire/state";
import { BARS, isUnmeasured, qualityFigures, qualityWord } from "./quality";

export function CallState({ view }: { readonly view: CallView }) {
  const { t } = useText();
  const { people } = view;
  const over = view.ended !== null;
  const serving = people.agents.filter((one) => !people.supervisors.has(one));
  const quality = [...people.quality.values()];
  const unmeasured = isUnmeasured(view);
  const passing = passingState(view.passing, view.held);
  const marks = [passing !== "none", view.held, people.callerHolds, people.recordingPaused, people.awaited !== null, unmeasured];
  if (serving.length + people.supervisors.size + people.muted.size + quality.length === 0 && !marks.includes(true)) {
    return null;
  }
  return (
    <ul className="call-state-chips" aria-label={t.people.label} data-testid="call-state-chips">
      {serving.map((one) => (
        <li key={`serving ${one}`}>
          <Chip kind="human" testId="chip-serving">
            <PeopleIcon /> {t.people.serving(one)}
          </Chip>
        </li>
      ))}
      {[...people.supervisors].map(([who, mode]) => (
        <li key={`watching ${who}`}>
          <Chip kind="watching" testId="chip-supervised">
            <EarIcon /> {t.people.watching(who, t.supervise.doing[mode])}
          </Chip>
        </li>
      ))}
      {passing === "none" ? null : (
        <li>
          <PassingChip passing={view.passing} held={view.held} />
        </li>
      )}
      {people.awaited === null || over ? null : (
        <li>
          <Chip kind="tense" testId="chip-awaited">
            <PeopleIcon /> {t.people.awaited(people.awaited)}
          </Chip>
        </li>
      )}
      {view.held && !over ? (
        <li>
          <Chip kind="tense" testId="chip-held">
            <HoldIcon /> {t.people.held}
          </Chip>
        </li>
      ) : null}
      {people.callerHolds ? (
        <li>
          <Chip kind="tense" testId="chip-caller-holds">
            <HoldIcon /> {t.people.callerHolds}
          </Chip>
        </li>
      ) : null}
      {[...people.muted].map((leg) => (
        <li key={`muted ${leg}`}>
          <Chip kind="tense" testId="chip-muted">
            <MutedIcon /> {t.people.muted(leg.includes(":") ? leg.slice(leg.indexOf(":") + 1) : t.words.party.caller)}
          </Chip>
        </li>
      ))}
      {people.recordingPaused ? (
        <li>
          <Chip kind="tense" testId="chip-paused">
            <RecordIcon /> {t.people.paused}
          </Chip>
        </li>
      ) : null}
      {quality.map((one) => (
        <li key={`${one.party} ${one.agent ?? ""}`}>
          <QualityChip one={one} />
        </li>
      ))}
      {unmeasured ? (
        <li>
          <Tip
            testId="chip-unmeasured"
            face={
              <span className="chip quality quality-unknown">
                <SignalIcon bars={0} /> {t.words.party.caller} {t.quality.word.unknown}
              </span>
            }
          >
            {t.quality.unmeasured}
          </Tip>
        </li>
      ) : null}
    </ul>
  );
}

/** Who is consulted, or gets the caller. */
function PassingChip({ passing, held }: { readonly passing: Passing; readonly held: boolean }) {
  const { t } = useText();
  const names = useNames();
  const about = passing.transfer ?? passing.consult;
  const state = passingState(passing, held);
  if (about === null || state === "none") return null;
  const words = {
    consult_asked: t.passing.chip.asked,
    consult_awaited: t.passing.chip.awaited,
    talking: t.passing.chip.talking,
    conference: t.passing.chip.conference,
    transfer_asked: t.passing.chip.transfer,
  };
  return (
    <Chip kind="watching" testId="chip-passing">
      <ConsultIcon /> {words[state](names.target(about.target))}
    </Chip>
  );
}

/** One word, colour and bars; the numbers stand behind it. */
function QualityChip({ one }: { readonly one: EventOf<"media.measured"> }) {
  const { t } = useText();
  const word = qualityWord(one.mos);
  const who = one.agent ?? t.words.party[one.party];
  const figures = qualityFigures(one);
  const rows = [
    [t.quality.mos, figures.mos],
    [t.quality.loss, figures.loss],
    [t.quality.lostThere, figures.lostThere],
    [t.quality.late, figures.late],
    [t.quality.concealed, figures.concealed],
    [t.quality.jitter, figures.jitter],
    [t.quality.delay, figures.delay],
    [t.quality.roundTrip, figures.roundTrip],
  ] as const;
  return (
    <Tip
      testId="chip-quality"
      face={
        <span className={`chip quality quality-${word}`} data-quality={word}>
          <SignalIcon bars={BARS[word]} /> {who} {t.quality.word[word]}
        </span>
      }
    >
      <span className="quality-note">{t.quality.explained}</span>
      <span className="quality-rows">
        {rows.map(([name, value]) => (
          <span key={name}>
            <span className="soft">{name}</span>
            <span className={value === null ? "soft" : "figures"}>{value ?? t.quality.notMeasured}</span>
          </span>
        ))}
      </span>
    </Tip>
  );
}
