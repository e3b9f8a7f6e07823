"""What `warmline evaluate emotion` says, in both languages."""

from __future__ import annotations

from typing import Final

from routing.terms import Wording

TITLE: Final = Wording(
    "由语气判断情绪，模型 {model}：{utterances} 句，{speakers} 人",
    "emotion from tone, model {model}: {utterances} utterances, {speakers} speakers",
)
FIGURE: Final = Wording("指标", "figure")
CHANCE: Final = Wording("随机", "chance")
BANDS: Final = {"clean": Wording("原声", "clean"), "telephone": Wording("电话频带", "telephone")}
LABELLED: Final = Wording("行为标注，列为判断；{band}", "labelled down, judged across; {band}")
REGIONS: Final = Wording("情绪平面的区域；{band}", "region of the plane; {band}")
CALIBRATION: Final = Wording("是否激动：置信度与实际成立；{band}", "aroused or not, and how often it held; {band}")
CONFIDENCE: Final = Wording("置信度", "confidence")
MEAN: Final = Wording("平均", "mean")
HELD: Final = Wording("成立", "held")

MEANING: Final = {
    "auc_arousal": Wording("激动的话得分高于平静的话的概率", "how often an aroused utterance scores above a calm one"),
    "uar_arousal": Wording("激动与平静两类召回率的均值", "mean recall of aroused and calm"),
    "uar_region": Wording("情绪平面各区域召回率的均值", "mean recall of the regions of the plane"),
    "uar_label": Wording("各情绪得到可接受标签的比例，取均值", "mean share of each emotion with an acceptable label"),
    "ccc_arousal": Wording("与真实激动程度的一致性（CCC）", "concordance with true arousal (CCC)"),
    "ccc_valence": Wording("与真实愉悦程度的一致性（CCC）", "concordance with true valence (CCC)"),
    "answered": Wording("没有回答“不确定”的比例", "share with another label than uncertain"),
    "ece": Wording("置信度的校准误差（越小越好）", "calibration error of the confidence (less is better)"),
}

LIMITS: Final = Wording(
    "标注与平面上的位置都是约定；表演出的情绪比真实通话容易判断。区间来自对说话人的自助抽样。",
    "Labels and places on the plane are conventions, and acted speech is easier to judge than real calls. "
    "Intervals come from a bootstrap over speakers.",
)
ONE_SPEAKER: Final = Wording(
    "只有一位说话人：没有区间，也不能推及他人。", "One speaker: no intervals, and nothing that holds for others."
)
SKIPPED: Final = Wording("略去 {count} 行有误的（{lines}）。", "Left out: {count} broken lines ({lines}).")
WITHOUT_NORMAL: Final = Wording(
    "略去 {count} 句：其说话人没有另外的中性语句。",
    "Left out: {count} utterances of speakers who have no other neutral one.",
)
MAY_HAVE_LEARNED: Final = Wording(
    "模型 {model} 可能学过这些录音，这些数字因此可能偏高。",
    "Model {model} may have learned from these recordings; the figures may flatter it.",
)
RETRAINED: Final = Wording(
    "这些录音就是模型 {model} 的训练数据：每位说话人都由没有学过其录音的模型判断。",
    "Model {model} was trained on these recordings: each speaker is judged by one trained anew without them.",
)
