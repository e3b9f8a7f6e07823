/** A scripted call for looking at the pages without a backend: wire events with the media time at which they come. */

const said = (party, start, end, text, more = {}) => ({ party, start, end, text, ...more });
const point = (tag, text, value = null) => ({ tag, text, value });
const why = (...rows) => rows.map(([feature, dimension, value]) => ({ feature, dimension, value }));

const zh = {
  caller: "138 **** 2046",
  language: "zh",
  turns: [
    said("bot", 600, 4300, "您好，当前由智能客服为您服务，复杂问题可随时转接人工。请问有什么可以帮您？"),
    said("caller", 5200, 9100, "喂你好，我想问一下我那个快递到哪儿了，订单号尾号是3081。", {
      points: [point("request", "快递到哪儿了"), point("identifier", "3081", "3081")],
      entities: [{ kind: "order_no", text: "3081", value: "3081" }],
      doubts: { 喂: 0.41, 尾号: 0.52 },
      intent: ["logistics", "simple", 0.91],
      tone: [0.02, 0.04, "neutral"],
      fused: [0.03, 0.02, "calm"],
      route: ["ai", "simple_need", "简单需求：物流查询，由 AI 服务", "A simple need, delivery status: served by AI"],
    }),
    said("bot", 9900, 14200, "好的，尾号3081的订单目前停在武汉中转站，预计今天晚上派送。", {
      points: [point("promise", "今天晚上派送")],
    }),
    said("caller", 15300, 20100, "你们上次也是这么说的，物流信息三天都没更新了，一直停在那个中转站。", {
      points: [point("issue", "物流信息三天都没更新")],
      doubts: { 中转站: 0.48 },
      intent: ["logistics", "simple", 0.84],
      tone: [0.21, -0.08, "anxious"],
      fused: [0.24, -0.22, "frustrated"],
      why: why(
        ["articulation_rate", "arousal", 0.17],
        ["words", "valence", -0.14],
        ["f0_range", "arousal", 0.09],
        ["intensity", "arousal", 0.06],
      ),
    }),
    said("bot", 21000, 24800, "非常抱歉给您带来不便，我已经为您登记催促派送。", {}),
    said("caller", 25600, 31200, "我不要登记，你们这个服务也太差了吧，东西是给老人过生日用的，明天就来不及了！", {
      points: [
        point("sentiment", "服务也太差了"),
        point("issue", "明天就来不及了"),
        point("request", "我不要登记"),
      ],
      intent: ["complaint", "complex", 0.88],
      tone: [0.46, -0.3, "frustrated"],
      fused: [0.52, -0.47, "angry"],
      why: why(
        ["words", "valence", -0.31],
        ["intensity", "arousal", 0.24],
        ["f0_median", "arousal", 0.19],
        ["articulation_rate", "arousal", 0.12],
        ["spectral_tilt", "arousal", 0.07],
      ),
      shift: ["settled", "tense", [3, 5]],
      priority: [0, 45, "negative_words", "负面用词且语气激动", "Negative words and an agitated voice"],
    }),
    said("caller", 32400, 37000, "我要投诉，给我转人工，我不想跟机器说了。", {
      points: [point("request", "转人工"), point("issue", "我要投诉")],
      intent: ["human_agent", "urgent", 0.97],
      tone: [0.58, -0.41, "angry"],
      fused: [0.63, -0.58, "angry"],
      why: why(
        ["words", "valence", -0.33],
        ["intensity", "arousal", 0.29],
        ["f0_range", "arousal", 0.16],
        ["f0_median", "arousal", -0.04],
      ),
      shift: ["tense", "upset", [5, 6]],
      hint: ["rising_frustration", "来电者由紧张转为激烈", "The caller went from tense to upset", "先道歉，再说清您会做什么。", "Apologise, then say what you will do."],
      priority: [45, 78, "asks_human_upset", "要求人工，且情绪激烈", "Asks for a human while upset"],
      route: ["human", "asks_human", "来电者要求人工客服", "The caller asked for a human"],
    }),
    said("bot", 37900, 40600, "正在为您转接专业客服。", {}),
    said("agent", 46200, 51900, "您好，我是客服小林。您的情况我已经看到了，尾号3081，老人家明天过生日，对吗？", {
      points: [point("identifier", "3081", "3081")],
    }),
    said("caller", 52800, 55600, "对，就是明天中午之前一定要到。", {
      points: [point("request", "明天中午之前一定要到")],
      entities: [{ kind: "date", text: "明天中午", value: "2026-11-23 12:00" }],
      intent: ["logistics", "complex", 0.72],
      tone: [0.36, -0.28, "anxious"],
      fused: [0.35, -0.3, "anxious"],
      failure: ["understanding", "model.error"],
    }),
    said("agent", 56500, 63800, "我刚刚联系了武汉站点，改成同城专送，明早十点前送到，专送费用由我们承担。", {
      points: [point("promise", "明早十点前送到"), point("promise", "专送费用由我们承担")],
    }),
    said("caller", 65000, 69200, "哦，那行，那太谢谢你了，麻烦你了啊。", {
      points: [point("outcome", "那行"), point("sentiment", "太谢谢你了")],
      doubts: { 哦: 0.33 },
      intent: ["feedback_close", "simple", 0.86],
      tone: [0.12, 0.06, "calm"],
      fused: [0.08, 0.24, "pleased"],
      why: why(
        ["words", "valence", 0.26],
        ["intensity", "arousal", -0.14],
        ["articulation_rate", "arousal", -0.11],
      ),
      shift: ["upset", "settled", [9, 11]],
      priority: [78, 20, "settled_again", "情绪已平复", "The caller has settled"],
    }),
  ],
};

const en = {
  caller: "Anna W.",
  language: "en",
  turns: [
    said("caller", 700, 4200, "Hi, um, I'm calling about an order I placed last week.", {
      points: [point("issue", "an order I placed last week")],
      doubts: { um: 0.38 },
      intent: ["return_exchange", "simple", 0.66],
      tone: [0.05, 0.02, "neutral"],
      fused: [0.04, 0.02, "neutral"],
      route: ["ai", "simple_need", "简单需求，由 AI 服务", "A simple need: served by AI"],
    }),
    said("caller", 6800, 10400, "Yes, the order number ends in 4719.", {
      points: [point("identifier", "4719", "4719")],
      intent: ["return_exchange", "simple", 0.71],
      tone: [0.03, 0.01, "calm"],
      fused: [0.02, 0.03, "calm"],
    }),
    said("caller", 13400, 19200, "The kettle came yesterday, but the lid is broken, and I would like my money back.", {
      points: [point("issue", "the lid is broken"), point("request", "I would like my money back")],
      intent: ["refund_progress", "complex", 0.83],
      tone: [0.16, -0.09, "neutral"],
      fused: [0.18, -0.17, "frustrated"],
      why: why(["words", "valence", -0.12], ["f0_range", "arousal", 0.08]),
      priority: [0, 15, "complex_need", "复杂需求", "A complex need"],
    }),
  ],
};

/** Events of a script, in order, without call and seq; `wait` is when the outside world hears of them. */
export function play(script, { channel = "webrtc", startedAt = new Date(), endReason = "caller_hung_up" } = {}) {
  const events = [];
  const at = (ms, type, body) => events.push({ at_ms: ms, type, ...body });
  at(0, "call.started", {
    direction: "inbound",
    channel,
    caller: script.caller,
    called: "客服热线",
    language: script.language,
    started_at: startedAt.toISOString(),
  });
  at(40, "party.joined", { party: "caller", agent: null });
  script.turns.forEach((turn, segment) => speak(at, turn, segment));
  const last = script.turns.at(-1).end + 3200;
  at(last, "call.ended", { reason: endReason, duration_ms: last });
  const order = events.map((event, index) => ({ event, index }));
  order.sort((a, b) => a.event.at_ms - b.event.at_ms || a.index - b.index);
  return order.map(({ event }) => event);
}

function speak(at, turn, segment) {
  const { party, start, end, text } = turn;
  const letters = Array.from(text);
  at(start + 200, "speech.started", { party, segment, start_ms: start });
  for (let ms = start + 900; ms < end; ms += 700) {
    const share = (ms - start) / (end - start);
    at(ms, "transcript.partial", { segment, text: letters.slice(0, Math.floor(letters.length * share)).join(""), words: [] });
  }
  const closed = end + 300;
  at(closed, "speech.ended", { party, segment, span: { start_ms: start, end_ms: end }, reason: "silence" });
  if (turn.tone) {
    at(closed + 20, "prosody.measured", { segment, features: features(turn) });
    at(closed + 30, "emotion.scored", { segment, score: score(turn.tone, "tone", turn.why) });
  }
  const done = closed + 650;
  at(done, "transcript.final", { segment, text, words: words(turn), engine: "whisper-base" });
  for (const one of turn.points ?? []) at(done + 10, "keypoint.found", { segment, tag: one.tag, value: one.value, ...find(text, one.text) });
  for (const one of turn.entities ?? []) at(done + 10, "entity.found", { segment, kind: one.kind, value: one.value, ...find(text, one.text) });
  if (turn.intent) {
    const [label, grade, confidence] = turn.intent;
    at(done + 20, "intent.recognized", { segment, label, grade, confidence, model_version: "intent-1" });
  }
  if (turn.fused) at(done + 25, "emotion.scored", { segment, score: score(turn.fused, "tone_and_words", turn.why) });
  if (turn.shift) {
    const [previous, current, segments] = turn.shift;
    const shift = { previous, current, span: { start_ms: start, end_ms: end }, segments, reason: current === "settled" ? "settling" : "arousal_high+valence_low" };
    at(done + 30, "emotion.shifted", { shift });
  }
  if (turn.hint) {
    const [kind, inZh, inEn, sayZh, sayEn] = turn.hint;
    const hint = { kind, span: { start_ms: start, end_ms: end }, evidence: [segment] };
    at(done + 32, "coaching.hinted", { ...hint, reason: { zh: inZh, en: inEn }, suggestion: { zh: sayZh, en: sayEn } });
  }
  const verdict = (rule, inZh, inEn) => ({ rule, reason: { zh: inZh, en: inEn }, evidence: [segment], policy_version: "2026-11-20" });
  if (turn.priority) {
    const [previous, current, ...rest] = turn.priority;
    at(done + 35, "priority.changed", { previous, current, ...verdict(...rest) });
  }
  if (turn.route) {
    const [target, ...rest] = turn.route;
    at(done + 36, "route.decided", { target, ...verdict(...rest) });
  }
  if (turn.failure) at(done + 40, "stage.failed", { stage: turn.failure[0], code: turn.failure[1], segment });
}

function find(text, part) {
  const index = text.indexOf(part);
  if (index < 0) throw new Error(`「${part}」 is not in 「${text}」`);
  const start = Array.from(text.slice(0, index)).length;
  return { start, end: start + Array.from(part).length, text: part };
}

/** Words as a recognizer gives them: for Chinese a character or a term each, without punctuation. */
function words({ text, start, end, doubts = {} }) {
  const terms = Object.keys(doubts).sort((a, b) => b.length - a.length);
  const pieces = text.match(new RegExp(`${terms.join("|") || "\\0"}|[\\w']+|[\\u4e00-\\u9fff]`, "gu")) ?? [];
  const step = (end - start) / Math.max(1, pieces.length);
  return pieces.map((piece, index) => ({
    text: piece,
    span: { start_ms: start + index * step, end_ms: start + (index + 1) * step },
    confidence: doubts[piece] ?? 0.9,
  }));
}

function score([curveArousal, curveValence, label], basis, contributions = []) {
  return {
    arousal: curveArousal * 1.1,
    valence: curveValence * 1.1,
    confidence: basis === "tone" ? 0.48 : 0.74,
    label,
    basis,
    contributions: basis === "tone" ? contributions.filter((one) => !/words/.test(one.feature)) : contributions,
    curve_arousal: curveArousal,
    curve_valence: curveValence,
    curve_arousal_sd: basis === "tone" ? 0.26 : 0.2,
    curve_valence_sd: basis === "tone" ? 0.34 : 0.22,
    risk: Math.max(0, Math.min(1, 0.9 * curveArousal - 0.7 * curveValence)),
    models: [],
  };
}

function features({ start, end, tone: [arousal] }) {
  const usual = 190 + 80 * arousal;
  const voiced = (index) => index % 9 < 6 && index % 31 > 2;
  const contour = Array.from({ length: Math.round((end - start) / 50) }, (_, index) =>
    voiced(index) ? usual * 2 ** ((Math.sin(index / 5) * (1.5 + 4 * Math.abs(arousal))) / 12) : null,
  );
  return {
    duration_s: (end - start) / 1000,
    f0_median_hz: usual,
    f0_range_st: 5 + 9 * Math.abs(arousal),
    f0_final_st: -1.8,
    f0_contour_hz: contour,
    intensity_mean_db: -27 + 10 * arousal,
    intensity_range_db: 16,
    articulation_rate_hz: 4.6 + 2 * arousal,
    pause_count: 1,
    pause_ratio: 0.12,
    jitter_local: 0.011,
    shimmer_local: 0.07,
    hnr_db: 16 - 6 * arousal,
    centroid_hz: 900 + 600 * arousal,
    spectral_tilt_db: -14 + 8 * arousal,
  };
}

export const scripts = { zh, en };
