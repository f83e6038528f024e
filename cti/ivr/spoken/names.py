"""What of a name may be said aloud to a caller who has yet to show that it is theirs: initials, or a family name.

Nothing at all is said of a name that would then be said whole, and of one in a script the voice cannot say.
"""

import re
import unicodedata
from collections.abc import Mapping
from typing import Final

MOST_INITIALS: Final = 4
_HAN: Final = re.compile(r"[\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]+")
_APART: Final = re.compile(r"[\s.,\-]+")
_LATIN_LIKE: Final = str.maketrans("ØøŁłĐđÞþÆæŒœ", "OoLlDdTtAaOo")
"""Letters that Unicode does not take apart into a Latin one and its mark."""

_TWO_SIGNS: Final = re.compile(
    "歐陽|欧阳|司馬|司马|諸葛|诸葛|上官|司徒|司空|東方|东方|夏侯|皇甫|尉遲|尉迟|公孫|公孙|慕容|令狐|宇文|長孫|长孙|鍾離|钟离|"
    "軒轅|轩辕|南宮|南宫|西門|西门|端木|張簡|张简|范姜"
)
_BY_SOUND: Final = (
    "Wang王汪 Li李黎 Zhang張张章 Liu劉刘柳 Chen陳陈 Yang楊杨 Zhao趙赵 Huang黃黄 Zhou周 Wu吳吴伍鄔邬巫 Xu徐許许 Sun孫孙 "
    "Hu胡 Zhu朱祝 Gao高 Lin林 He何賀贺 Guo郭 Ma馬马 Luo羅罗駱骆 Liang梁 Song宋 Zheng鄭郑 Xie謝谢解 Han韓韩 Tang唐湯汤 "
    "Feng馮冯豐丰 Yu于余俞喻虞 Dong董 Xiao蕭萧肖 Cheng程成 Cao曹 Yuan袁 Deng鄧邓 Fu傅符 Shen沈申 Zeng曾 Peng彭 Lu呂吕盧卢陸陆魯鲁路 "
    "Su蘇苏 Jiang蔣蒋江姜 Cai蔡 Jia賈贾 Ding丁 Wei魏韋韦衛卫 Xue薛 Ye葉叶 Yan閻阎嚴严顏颜 Pan潘 Du杜 Dai戴 Xia夏 Zhong鍾钟 Tian田 "
    "Ren任 Fan范樊 Fang方房 Shi石史施 Yao姚 Tan譚谭 Liao廖 Zou鄒邹 Xiong熊 Jin金 Hao郝 Kong孔 Bai白 Cui崔 Kang康 Mao毛 Qiu邱丘裘 "
    "Qin秦 Gu顧顾古 Hou侯 Shao邵 Meng孟 Long龍龙 Wan萬万 Duan段 Qian錢钱 Yin尹 Qiao喬乔 Lai賴赖 Gong龔龚宮宫 Wen文溫温 Pang龐庞 "
    "Lan藍蓝 Tao陶 Hong洪 Zhuang莊庄 Ou歐欧 Ke柯 Zhan詹 You游尤 Ji紀纪 Jian簡简 Lian連连 Mo莫 Ni倪 Nie聶聂 Niu牛 Shu舒 Tu涂 Tong童 "
    "Weng翁 Xiang向項项 Xin辛 Ruan阮"
)


_IN_LATIN: Final[Mapping[str, str]] = {
    "歐陽": "Ouyang", "欧阳": "Ouyang", "司馬": "Sima", "司马": "Sima", "諸葛": "Zhuge", "诸葛": "Zhuge",
} | {sign: sound for sound, signs in re.findall(r"([A-Z][a-z]+)([^ ]+)", _BY_SOUND) for sign in signs}  # fmt: skip


def initials(name: str) -> tuple[str, ...]:
    """Of the words in Latin letters: Anna Berg -> A B, Zoë -> Z. Empty where there are none, or nothing but initials."""
    plain = unicodedata.normalize("NFKD", name.translate(_LATIN_LIKE))
    letters = "".join(char for char in plain if not unicodedata.combining(char))
    words = [word for word in _APART.split(letters) if word.isascii() and word[:1].isalpha()]
    return tuple(word[0].upper() for word in words[:MOST_INITIALS]) if any(len(word) > 1 for word in words) else ()


def family_name(name: str) -> str:
    """Of a name in Chinese signs, the family name comes first: 王小明 -> 王, 歐陽小明 -> 歐陽. Else empty."""
    found = _HAN.search("".join(name.split()))
    signs = found.group() if found else ""
    length = 2 if len(signs) > 2 and _TWO_SIGNS.match(signs) else 1  # noqa: PLR2004 - two signs, and a given name
    return signs[:length] if len(signs) > length else ""


def in_latin(family: str) -> str:
    """As Pinyin has it, without tones; empty for a name that is not among the common ones."""
    return _IN_LATIN.get(family, "")
