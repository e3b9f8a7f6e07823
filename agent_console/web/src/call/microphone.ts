/** The microphone: asking for it, naming what went wrong, listing what there is. */

export type PhoneProblem =
  | "refused"
  | "missing"
  | "busy"
  | "insecure"
  | "unsupported"
  | "full"
  | "throttled"
  | "lost"
  | "blocked"
  | "unreachable"
  | "rejected";

/** Why a call cannot be made or went wrong, with what helps support to help. */
export class PhoneError extends Error {
  readonly problem: PhoneProblem;
  readonly code: string;
  readonly retryAfterS: number | null;

  constructor(problem: PhoneProblem, code = "", retryAfterS: number | null = null) {
    super(`${problem} ${code}`.trim());
    this.name = "PhoneError";
    this.problem = problem;
    this.code = code;
    this.retryAfterS = retryAfterS;
  }
}

/** What a failure of `getUserMedia` means to a person (names of the Media Capture specification, section 10.2). */
export function explainMicrophone(name: string): PhoneProblem {
  switch (name) {
    case "NotAllowedError":
    case "SecurityError":
    case "PermissionDeniedError":
      return "refused";
    case "NotFoundError":
    case "OverconstrainedError":
    case "DevicesNotFoundError":
      return "missing";
    case "NotReadableError":
    case "AbortError":
    case "TrackStartError":
      return "busy";
    default:
      return "unsupported";
  }
}

/** What stands in the way of asking at all; null where nothing does. */
export function obstacle(page: {
  readonly secure: boolean;
  readonly capture: boolean;
  readonly peer: boolean;
}): PhoneProblem | null {
  if (!page.secure) return "insecure";
  return page.capture && page.peer ? null : "unsupported";
}

export function pageObstacle(): PhoneProblem | null {
  return obstacle({
    secure: window.isSecureContext,
    // Old browsers lack it, whatever the types say.
    capture: typeof (navigator.mediaDevices as MediaDevices | undefined)?.getUserMedia === "function",
    peer: "RTCPeerConnection" in window,
  });
}

/**
 * Open a microphone.
 *
 * Throws `PhoneError` where it is refused, missing or busy. A microphone chosen earlier may be gone; the default is
 * taken then.
 */
export async function openMicrophone(deviceId: string): Promise<MediaStream> {
  const wanted = { echoCancellation: true, noiseSuppression: true, autoGainControl: true };
  const chosen = deviceId === "" ? {} : { deviceId: { exact: deviceId } };
  try {
    return await navigator.mediaDevices.getUserMedia({ audio: { ...wanted, ...chosen } });
  } catch (error) {
    const name = error instanceof Error ? error.name : "";
    if (deviceId !== "" && name === "OverconstrainedError") return await openMicrophone("");
    throw new PhoneError(explainMicrophone(name), name);
  }
}

export interface Microphone {
  readonly id: string;
  readonly label: string;
}

/** The microphones; without permission the browser tells neither ids nor names, then there is nothing to choose. */
export async function listMicrophones(): Promise<readonly Microphone[]> {
  const devices = await navigator.mediaDevices.enumerateDevices();
  return devices
    .filter((one) => one.kind === "audioinput" && one.deviceId !== "" && one.deviceId !== "default")
    .map((one) => ({ id: one.deviceId, label: one.label }));
}

/** What is sent: a microphone, or silence. */
export interface Source {
  readonly stream: MediaStream;
  readonly stop: () => void;
}

export function microphoneSource(stream: MediaStream): Source {
  return { stream, stop: () => stopTracks(stream) };
}

/** Silence, for who only listens; a microphone may take its place later. */
export function silentSource(): Source {
  const context = new AudioContext();
  const sent = context.createMediaStreamDestination();
  // A destination that nothing feeds sends no packets, and the server would wait for the line's first sound.
  const nothing = new ConstantSourceNode(context, { offset: 0 });
  nothing.connect(sent);
  nothing.start();
  return { stream: sent.stream, stop: () => void context.close() };
}

export function stopTracks(stream: MediaStream | null): void {
  for (const track of stream?.getTracks() ?? []) track.stop();
}
