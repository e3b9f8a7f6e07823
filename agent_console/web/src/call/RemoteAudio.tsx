/** Plays what comes from the other side. */

import { useEffect, useRef } from "react";

export function RemoteAudio({ stream }: { readonly stream: MediaStream | null }) {
  const audio = useRef<HTMLAudioElement>(null);
  useEffect(() => {
    const element = audio.current;
    if (element === null) return;
    element.srcObject = stream;
    // The press of the button allows the sound; a browser that refuses even so leaves the call usable one way.
    if (stream !== null) element.play().catch(() => undefined);
  }, [stream]);
  // eslint-disable-next-line jsx-a11y/media-has-caption -- a live voice; there is no text to caption it with
  return <audio ref={audio} autoPlay data-testid="remote-audio" />;
}
