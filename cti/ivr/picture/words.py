"""The words that stand in a picture, by language; what is missing is said in English (``graph.WORDS``)."""

from collections.abc import Mapping
from typing import Final

_KINDS: Final = {
    "say": "announcement", "menu": "menu", "collect": "digits", "language": "language", "identify": "who is it",
    "authenticate": "PIN", "branch": "branch", "hours": "hours", "set": "note", "tell": "from the record", "http": "service",
    "callback": "callback", "voicemail": "message", "survey": "survey", "to_queue": "queue", "to_agent": "agent",
    "to_number": "number", "hang_up": "end",
}  # fmt: skip

BY_LANGUAGE: Final[Mapping[str, Mapping[str, str]]] = {
    "en": _KINDS,
    "zh-Hant": {
        "start": "開始", "came": "{count} 通進入", "mean": "{seconds} 秒", "abandoned": "{count} 通掛斷", "failed": "{count} 通失敗",
        "worst": "流失最多", "took": "{count} 通走這條路", "about": "從「{start}」開始，共 {steps} 個步驟。",  # noqa: RUF001 - Chinese commas are meant
        "say": "語音播放", "menu": "選單", "collect": "按鍵輸入", "language": "語言", "identify": "客戶身分", "authenticate": "密碼",
        "branch": "分流", "hours": "服務時間", "set": "記錄", "tell": "資料查詢", "http": "外部服務", "callback": "回撥",
        "voicemail": "留言", "survey": "滿意度", "to_queue": "佇列", "to_agent": "客服人員", "to_number": "外線", "hang_up": "結束",
    },
    "zh-Hans": {
        "start": "开始", "came": "{count} 通进入", "mean": "{seconds} 秒", "abandoned": "{count} 通挂断", "failed": "{count} 通失败",
        "worst": "流失最多", "took": "{count} 通走这条路", "about": "从“{start}”开始，共 {steps} 个步骤。",  # noqa: RUF001 - Chinese commas are meant
        "say": "语音播放", "menu": "菜单", "collect": "按键输入", "language": "语言", "identify": "客户身份", "authenticate": "密码",
        "branch": "分流", "hours": "服务时间", "set": "记录", "tell": "资料查询", "http": "外部服务", "callback": "回拨",
        "voicemail": "留言", "survey": "满意度", "to_queue": "队列", "to_agent": "坐席", "to_number": "外线", "hang_up": "结束",
    },
}  # fmt: skip
