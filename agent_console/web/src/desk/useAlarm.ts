/** An offer is heard, stands in the tab's title, and is notified where the page is in the background and may. */

import { useEffect, useRef } from "react";
import { go } from "../app/router";
import { useText } from "../i18n/text";
import type { DeskNames } from "../wire/desk";
import { Ringer } from "./ringer";
import { useDesk, type Workplace } from "./workplace";

export function useAlarm(place: Workplace, names: DeskNames): void {
  const { t, pick } = useText();
  const snapshot = useDesk(place);
  const ringer = useRef<Ringer>(null);
  const offer = snapshot?.offer ?? null;
  const id = offer?.offer ?? null;

  useEffect(() => {
    ringer.current = new Ringer();
    return () => ringer.current?.close();
  }, []);
  useEffect(() => {
    if (id === null) return;
    ringer.current?.start();
    return () => ringer.current?.stop();
  }, [id]);
  useEffect(() => {
    if (id === null) return;
    const before = document.title;
    const alarm = `☎ ${t.offer.title}`;
    document.title = alarm;
    return () => {
      // A page that was turned to meanwhile has its own title.
      if (document.title === alarm) document.title = before;
    };
  }, [id, t]);
  useEffect(() => {
    if (offer === null || !document.hidden || !mayNotify()) return;
    const title = names.queues[offer.queue];
    const queue = title === undefined ? offer.queue : pick(title);
    const note = new Notification(t.offer.title, { body: t.offer.notice(queue, offer.priority), tag: offer.offer });
    note.onclick = () => {
      window.focus();
      go("/desk");
    };
    return () => note.close();
    // eslint-disable-next-line react-hooks/exhaustive-deps -- one notification for one offer, whatever else is renewed
  }, [id, t, pick]);
}

const mayNotify = (): boolean => "Notification" in window && Notification.permission === "granted";

/** Whether the person has not been asked yet. */
export const mayAskNotices = (): boolean => "Notification" in window && Notification.permission === "default";
