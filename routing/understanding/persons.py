"""Names of people: where somebody gives theirs or another's, and surnames with a title."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from routing.understanding.heard import Heard
from routing.understanding.named_values import Candidate, EntityKind
from routing.understanding.names_en import FAMILY, GIVEN

SURNAMES: Final = (
    "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕苏卢蒋蔡贾丁魏薛叶阎余潘杜戴夏"
    "钟汪田任姜"
    "范方石姚谭廖邹熊金陆郝孔白崔康毛邱秦江史顾侯邵孟龙万段雷钱汤尹黎易常武乔贺赖龚文庞樊兰殷施陶洪翟安颜倪严牛温芦"
    "季俞章鲁葛伍"
    "韦申尤毕聂焦柳邢岳齐梅莫庄辛管祝左涂谷祁舒耿牟卜詹凌费纪靳盛童欧甄项曲游裴席卫查屈鲍覃霍翁隋甘景薄柯阮桂闵柴车"
    "房缪宁佟池肖闫付"
    "涂包司骆丛岑屠褚娄"
)
_COMPOUND: Final = "欧阳|司马|上官|诸葛|东方|皇甫|尉迟|公孙|慕容|司徒|令狐|夏侯|端木|南宫"
_S: Final = rf"(?:{_COMPOUND}|[{SURNAMES}])"
_HARD: Final = "我你您他她它的了吗呢吧啊哦嗯呃哈嘛是在这那和跟与，。、！？,.!?"
_SOFT: Final = (
    "想要请订电手有女男先就住今从因身号们来帮给查不也都还好对可以把被说问买下没能收寄改姓名地人单很已需打上用叫"
)
_G: Final = rf"[^\W\da-z_{_HARD}]"
_GIVEN: Final = rf"{_G}(?:(?![{_SOFT}]|电话|手机){_G}|{_G}(?=$|[，。、！？,.!?\s]))?"
_RELATION: Final = (
    "老公|老婆|爱人|妻子|丈夫|妈妈|妈|爸爸|爸|儿子|女儿|朋友|同事|家人|母亲|父亲|哥哥|姐姐|弟弟|妹妹|孩子|室友|老板|"
    "太太|先生"
)
_NAMED_ZH: Final = re.compile(
    rf"(?:我的?全?名字?(?:是|叫)|名字(?:写|打|填|登记|录)?(?:错|反|成别的)了?[，,]?(?:是|应该是|应该叫|应该写)|名字(?:是|叫|写|改成|改为|换成)?|姓名(?:是|叫|为)?[:：]?|我叫做?|我这边叫|本人叫?|"
    rf"(?:收件人|收货人|联系人|户主|户名|开户人|经办人|持卡人|预约人|投保人|机主|登记人|业主|入住人|乘客|乘机人|"
    rf"旅客|租客|房东|患者|病人|家长|学生|车主|申请人|法人|法人代表|担保人|签收人|取件人|代收人|发件人|寄送人|收货的|收件的|客户|用户|户主|陪护人|监护人|紧急联系人|就诊人|参保人|被保人|被保险人|受益人|参会人|寄件人|下单人|订货人|预订人)"
    rf"(?:的?(?:姓名|名字))?(?:是|叫|改成|改为|换成|写|填|为|写的是|写的)?(?:我)?(?:{_RELATION})?(?:叫)?|"
    rf"我(?:的)?(?:{_RELATION})(?:叫|是|的名字(?:是|叫))|[他她](?:的名字)?叫|(?:换|"
    rf"改)成我?(?:{_RELATION})的?(?:名字)?|我是(?:客户|用户|机主|业主|那个)?|叫做?)"
    rf"[\s，,:：]*(?:呃|嗯|那个)?(?P<name>{_S}{_GIVEN})"
)
_SURNAME_ZH: Final = re.compile(
    rf"(?:免贵姓|我姓|贵姓|姓氏是|本人姓|敝姓|[他她个位]姓)(?P<name>{_S})(?![名字氏])|姓(?P<short>{_S})(?=$|"
    rf"[，。,.！？\s]|的|啊|呢|叫)"
)
_AND_ZH: Final = re.compile(rf"(?:和|跟|、|还有|以及)(?P<name>{_S}{_GIVEN})(?=$|[，。,.！？\s两])")
_TITLE: Final = (
    "先生|女士|小姐|太太|经理|师傅|老师|主任|阿姨|大姐|大哥|医生|警官|律师(?=[，。]|$)|总(?![是共算的得之部]|经|台)"
)
_TITLED_ZH: Final = re.compile(rf"(?<![由任如对相关甲乙双三客])(?P<name>(?:{_S})(?:{_G}{{1,2}})??(?:{_TITLE}))")

_WORD: Final = r"[a-z][a-z'’-]*"
_GIVES_EN: Final = re.compile(
    rf"\b(?:(?:my|his|her|the|their|full|first|last|sur|contact|recipient|recipient's|customer|"
    rf"account holder's) ?name(?: on (?:the|my) [a-z]+)?(?: is|'s| should be| was)|name's|"
    rf"name (?:is|should be)|under(?: the name(?: of)?)?|in the name of|(?:the )?(?:recipient|account holder|"
    rf"contact|cardholder|guest|patient|passenger|tenant|policyholder|policy holder|driver|technician|agent|member|"
    rf"caller|owner|student) (?:is|should be|was|named|called)|"
    rf"(?:my|his|her) (?:wife|husband|son|daughter|mother|father|mom|dad|friend|boss|brother|sister|colleague|"
    rf"roommate|partner)(?:'s name is|,| is| named)|(?:called|named)|by the name of|name to|put me through to|"
    rf"transfer me to|connect me (?:to|with)|ask(?:ed)? for|"
    rf"talk(?:ed|ing)? (?:to|with)|spoke (?:to|with)|for|speak(?:ing)? (?:to|with)|"
    rf"this is|i'm|i am|it's|attention(?: to)?|attn:?|addressed to|make it out to|signed (?:by|"
    rf"for by))(?P<gap>,? (?:uh |um |spelled )?)(?=(?P<name>{_WORD}(?: {_WORD}){{0,3}}))"
)
_TITLED_EN: Final = re.compile(
    rf"\b(?P<name>(?:mr|mrs|ms|miss|dr|mister|missus|doctor|professor|officer|nurse)\.? (?P<last>{_WORD}(?: {_WORD})?))"
)
_SURE_EN: Final = re.compile(r"name|attn|attention")
_STOP_EN: Final = frozenset(
    (
        "and", "my", "i", "i'm", "calling", "with", "from", "order", "the", "phone", "number", "is", "on", "for",
        "but", "so", "can", "a",
        "about", "at", "in", "of", "speaking", "here", "not", "you", "it", "it's", "that", "that's", "to", "please",
        "who", "what", "was", "wrong",
        "spelled", "misspelled", "your", "um", "uh", "or", "also", "because", "we", "we're", "need", "want",
        "looking", "living", "by", "if", "still",
        "right", "as", "he", "she", "they", "could", "would", "instead", "thanks", "thank", "now", "there", "email",
        "account", "just", "an", "this",
        "no", "sorry", "actually", "wait", "have", "trying", "going", "has", "had", "where", "when", "how", "i've",
        "i'd", "lives", "same", "last", "first",
    )
)  # fmt: skip


def find_persons(heard: Heard) -> Iterator[Candidate]:
    """Names in a turn; linear in its length. A surname that is given beside the whole name is not told twice."""
    if heard.has_han:
        yield from _zh(heard.plain)
    yield from _en(heard)


def _zh(plain: str) -> Iterator[Candidate]:
    full = []
    for found in _NAMED_ZH.finditer(plain):
        titled = re.match(_TITLE, plain[found.end("name") - 1 :]) or re.match(_TITLE, plain[found.end("name") - 2 :])
        if titled:
            continue
        name = _explained(found["name"], plain, found.start("name"))
        if _is_word(name) or (found[0].startswith(("我是", "叫")) and len(name) < 2):
            continue
        full.append(name)
        yield Candidate(EntityKind.PERSON, found.start("name"), found.start("name") + len(name), name)
        other = _AND_ZH.match(plain, found.end("name"))
        if other and not _is_word(other["name"]):
            yield Candidate(EntityKind.PERSON, other.start("name"), other.end("name"), other["name"])
    for found in _TITLED_ZH.finditer(plain):
        yield Candidate(EntityKind.PERSON, found.start("name"), found.end("name"), found["name"])
    for found in _SURNAME_ZH.finditer(plain):
        which = "name" if found["name"] else "short"
        if not any(name.startswith(found[which]) for name in full):
            yield Candidate(EntityKind.PERSON, found.start(which), found.end(which), found[which])


_SPELLED: Final = re.compile(
    "[\u4e00-\u9fff]{1,5}?(?:的|那个)(?P<sign>[\u4e00-\u9fff])|双木|弓长|立早|木子|耳东|古月|口天|言午|三横|草头|"
    "双人|美女|人可|文武"
)
"""How somebody says which characters a name has: 双木林，芬芳的芳."""


def _explained(name: str, plain: str, start: int) -> str:
    """A name without what explains its characters (林芳 of 林芳双木林芬芳的芳)."""
    for length in range(2, len(name)):
        told = _SPELLED.match(plain, start + length)
        if told and (told["sign"] is None or told["sign"] in name[:length]):
            return name[:length]
    return name


_NO_NAMES: Final = re.compile(
    "方便|安装|任何|常常|万一|安排|高兴|范围|金额|申请|文件|施工|严重|温度|左右|管理|"
    "包裹|包邮|安全|费用|马上|车子|房子|房东|房主|程序|曾经|许多|于是|司机|江苏|白色|"
    "黄色|钱包|易碎|单独|查询|查一下|查到|龙头|牛奶|金色|黑色|方案|白天|高级|文字|周末|"
    "周一|周二|周三|周四|周五|周六|周日|周天|何时|游客|万达|车主|老客|老用|常客|常用|"
    "新客"
)
"""Words that begin like a name."""


def _is_word(name: str) -> bool:
    return _NO_NAMES.match(name) is not None


def _en(heard: Heard) -> Iterator[Candidate]:
    plain = heard.plain
    for found in _GIVES_EN.finditer(plain):
        start = found.start("name")
        words: list[tuple[str, bool]] = []
        place = start
        for word in found["name"].split(" "):
            capital = heard.text[heard.at[place]].isupper()
            if word in _STOP_EN or (words and words[0][1] and not capital):
                break
            words.append((word, capital))
            place += len(word) + 1
        end = place - 1
        if not words:
            continue
        lead = found[0][: start - found.start()]
        said = [word for word, _ in words]
        sure = (
            len(words) <= MOST_WORDS
            and bool(_SURE_EN.search(lead))
            and not (lead.startswith("called") or lead in {"under ", "under, "})
        )
        if sure and len(words) > 2 and not any(capital for _, capital in words):
            end = start + len(" ".join(said[:2]))
        calling = re.match(r"(?: here| speaking|,? calling| from\b)", plain[end : end + 12]) is not None
        if not (sure or (len(words) <= MOST_WORDS and _is_given(lead, words, calling=calling))):
            if words[0][0] not in GIVEN:
                continue
            # In lower case only a name that is nothing else is one.
            end = start + len(words[0][0])
            if len(words) > 1 and (words[1][0] in FAMILY or words[1][1]):
                end += 1 + len(words[1][0])
        name = plain[start:end].rstrip("'")
        if _TITLES_EN.match(name):
            continue
        yield _named(heard, start, start + len(name))
    for found in _TITLED_EN.finditer(plain):
        parts = found["last"].split(" ")
        keep = len(parts[0])
        if (
            len(parts) > 1
            and parts[1] not in _STOP_EN
            and heard.text[heard.at[found.start("last") + keep + 1]].isupper()
        ):
            keep = len(found["last"])
        titled = not found[0].startswith(_TRADES) or parts[0] in FAMILY or parts[0] in GIVEN
        titled = titled or heard.text[heard.at[found.start("last")]].isupper()
        if parts[0] not in _STOP_EN and titled:
            yield _named(heard, found.start(), found.start("last") + keep)


_TRADES: Final = ("doctor", "professor", "officer", "nurse")
"""Titles that stand before other words as well: the doctor said."""

_TITLES_EN: Final = re.compile(r"(?:mrs?|ms|dr|mister|missus|miss|doctor)\b")

MOST_WORDS: Final = 3
"""Words of a name, where nothing but what leads to it says that it is one."""

_BUSY: Final = frozenset(("just", "calling", "still", "sick", "really", "so", "very"))
_OF_SOMEBODY: Final = ("speak", "his", "her", "my", "addressed", "signed", "make", "under")


def _is_given(lead: str, words: list[tuple[str, bool]], *, calling: bool) -> bool:
    """Whether what follows `this is` or `I spoke to` is a name: by its capitals, or because somebody is calling."""
    least = 1 if calling or lead.startswith(_OF_SOMEBODY) else 2
    if len(words) >= least and all(capital for _, capital in words):
        return True
    return calling and lead.startswith(("this is", "i'm", "i am")) and words[0][0] not in _BUSY


def _named(heard: Heard, start: int, end: int) -> Candidate:
    first, last = heard.offsets(start, end)
    return Candidate(EntityKind.PERSON, start, end, heard.text[first:last])
