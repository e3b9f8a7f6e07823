/** The WebRTC side of a call: one audio track each way, complete session descriptions, no trickle. */

export interface PeerListener {
  readonly connected: () => void;
  /** The path is broken but may come back by itself. */
  readonly unsteady: () => void;
  /** The path is gone for good. */
  readonly lost: () => void;
  /** The other side hung up. */
  readonly closed: () => void;
  readonly heard: (remote: MediaStream) => void;
}

/** How long candidates are waited for; what was found by then is offered. */
const GATHER_WITHIN_MS = 2_500;

/** How often is looked whether packets still come, and after how many looks in vain the path counts as broken. The server
 * sends something every second at least; browsers themselves notice after five. */
const LOOK_MS = 500;
const LOOKS_IN_VAIN = 4;

export class Peer {
  readonly #pc: RTCPeerConnection;
  readonly #sender: RTCRtpSender;
  readonly #onClosed: () => void;
  readonly #listener: PeerListener;
  #looking: ReturnType<typeof setInterval> | undefined;
  #received = 0;
  #looksInVain = 0;

  constructor(iceServers: readonly RTCIceServer[], microphone: MediaStream, listener: PeerListener) {
    const pc = new RTCPeerConnection({ iceServers: [...iceServers], bundlePolicy: "max-bundle" });
    this.#pc = pc;
    const track = microphone.getAudioTracks()[0];
    if (track === undefined) throw new Error("A microphone's stream has an audio track.");
    this.#sender = pc.addTransceiver(track, { direction: "sendrecv", streams: [microphone] }).sender;
    pc.addEventListener("track", (event) => listener.heard(event.streams[0] ?? new MediaStream([event.track])));
    pc.addEventListener("connectionstatechange", () => {
      if (pc.connectionState === "connected") {
        listener.connected();
        this.#looking ??= setInterval(() => void this.#look(), LOOK_MS);
      } else if (pc.connectionState === "disconnected") listener.unsteady();
      else if (pc.connectionState === "failed") listener.lost();
    });
    this.#onClosed = listener.closed;
    this.#listener = listener;
  }

  /** The complete offer. */
  async offer(): Promise<string> {
    await this.#pc.setLocalDescription(await this.#pc.createOffer());
    await this.#gathered();
    return this.#pc.localDescription?.sdp ?? "";
  }

  async answered(sdp: string): Promise<void> {
    await this.#pc.setRemoteDescription({ type: "answer", sdp });
    // A hang-up arrives as the closing of DTLS, long before ICE notices that nobody answers.
    const transport = this.#sender.transport;
    transport?.addEventListener("statechange", () => {
      if (transport.state === "closed") this.#onClosed();
    });
  }

  /** Speak through another microphone from now on. */
  async replaceMicrophone(stream: MediaStream): Promise<void> {
    await this.#sender.replaceTrack(stream.getAudioTracks()[0] ?? null);
  }

  close(): void {
    clearInterval(this.#looking);
    this.#pc.close();
  }

  async #look(): Promise<void> {
    let received = 0;
    for (const each of (await this.#pc.getStats()).values() as Iterable<{ type: string; packetsReceived?: number }>)
      if (each.type === "transport") received = each.packetsReceived ?? 0;
    if (this.#pc.connectionState !== "connected") return;
    const came = received > this.#received;
    if (came && this.#looksInVain >= LOOKS_IN_VAIN) this.#listener.connected();
    this.#received = received;
    this.#looksInVain = came ? 0 : this.#looksInVain + 1;
    if (this.#looksInVain === LOOKS_IN_VAIN) this.#listener.unsteady();
  }

  #gathered(): Promise<void> {
    const pc = this.#pc;
    if (pc.iceGatheringState === "complete") return Promise.resolve();
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        pc.removeEventListener("icegatheringstatechange", look);
        resolve();
      };
      const look = (): void => {
        if (pc.iceGatheringState === "complete") done();
      };
      const timer = setTimeout(done, GATHER_WITHIN_MS);
      pc.addEventListener("icegatheringstatechange", look);
    });
  }
}
