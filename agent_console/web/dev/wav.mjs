/** A recording to go with a script: stereo PCM16 at 16 kHz, a hum wherever somebody speaks. */

const RATE = 16_000;

export function wavOf(events) {
  const duration = events.at(-1).at_ms;
  const frames = Math.round((duration / 1000) * RATE);
  const data = Buffer.alloc(44 + frames * 4);
  data.write("RIFF", 0);
  data.writeUInt32LE(36 + frames * 4, 4);
  data.write("WAVEfmt ", 8);
  data.writeUInt32LE(16, 16);
  data.writeUInt16LE(1, 20);
  data.writeUInt16LE(2, 22);
  data.writeUInt32LE(RATE, 24);
  data.writeUInt32LE(RATE * 4, 28);
  data.writeUInt16LE(4, 32);
  data.writeUInt16LE(16, 34);
  data.write("data", 36);
  data.writeUInt32LE(frames * 4, 40);
  for (const one of events) {
    if (one.type !== "speech.ended") continue;
    const caller = one.party === "caller";
    const hertz = caller ? 190 : 130;
    const end = Math.round((one.span.end_ms / 1000) * RATE);
    for (let at = Math.round((one.span.start_ms / 1000) * RATE); at < end; at += 1) {
      const syllable = Math.max(0, Math.sin((2 * Math.PI * 4 * at) / RATE));
      const value = Math.round(6000 * syllable * Math.sin((2 * Math.PI * hertz * at) / RATE));
      data.writeInt16LE(value, 44 + at * 4 + (caller ? 0 : 2));
    }
  }
  return data;
}
