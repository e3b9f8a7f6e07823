/** The ring of an offered call: two short tones, again and again, made on the spot. */

const AGAIN_AFTER_MS = 2_600;
/** A rising third; hertz. */
const TONES = [659.3, 830.6];
const TONE_S = 0.22;
const LOUDNESS = 0.12;

export class Ringer {
  #context: AudioContext | null = null;
  #timer: ReturnType<typeof setInterval> | undefined;

  /** Ring until `stop`; a browser that allows no sound yet stays silent, and the offer is still seen. */
  start(): void {
    this.stop();
    try {
      this.#context ??= new AudioContext();
    } catch {
      return;
    }
    void this.#context.resume().catch(() => undefined);
    this.#ring();
    this.#timer = setInterval(() => this.#ring(), AGAIN_AFTER_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  close(): void {
    this.stop();
    void this.#context?.close();
    this.#context = null;
  }

  #ring(): void {
    const context = this.#context;
    if (context?.state !== "running") return;
    TONES.forEach((hertz, index) => {
      const begin = context.currentTime + 0.02 + index * TONE_S;
      const tone = new OscillatorNode(context, { frequency: hertz });
      const gain = new GainNode(context, { gain: 0 });
      // Without a rise and a fall the tone would click.
      gain.gain.linearRampToValueAtTime(LOUDNESS, begin + 0.02);
      gain.gain.linearRampToValueAtTime(0, begin + TONE_S);
      tone.connect(gain).connect(context.destination);
      tone.start(begin);
      tone.stop(begin + TONE_S);
    });
  }
}
