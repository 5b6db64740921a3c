"""Languages that the models take for each other: told apart by spellings and small words that only one has. Pure.

The models know Amharic, Kinyarwanda and Zulu well, but hardly Tigrinya, Kirundi and Xhosa, and take the dotted vowels
of Igbo for Vietnamese. The cues are facts of grammar and spelling, not names or subjects; without any, the model's
word stands.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class _Pair:
    """`known` is what the model says, `meant` what it may mean; each by its cues."""

    known: str
    meant: str
    of_known: re.Pattern[str]
    of_meant: re.Pattern[str]


ENOUGH = 4.0  # of what runs of letters say, before Kirundi is believed
_WORD = re.compile(r"[^\W\d_]+(?:['\u2019][^\W\d_]+)*")
_APOSTROPHE = "\u2019"


def _words(text: str) -> str:
    return r"(?<!\w)(?:" + "|".join(text.split()) + r")(?!\w)"


def _cues(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(patterns), re.IGNORECASE)


_PAIRS = (
    _Pair(
        "rw",
        "rn",
        _cues(
            r"cy|jy|b?by[aeiou]|\w+shya(?!\w)",
            r"minisit|nny[aeiou]|(?:gu|ya|ba|a|ra)f(?:ung|unz)|komej|komez|(?<!\w)[abiu]+fite(?!\w)|burayi",
            _words(
                "perezida polisi umugore cyane kugera nyine wenyine ibyo icyo ubu nk'uko byo ubwo leta inteko urukiko"
                " itsinda ubukungu agomba igomba bagomba kohereza yohereje loni akarere"
            ),
        ),
        _cues(
            r"vy",
            r"(?<!\w)i?c[aou](?!\w)",
            r"(?<!\w)c['\u2019]",
            r"(?<!\w)[km]w['\u2019]",
            r"\w+shasha(?!\w)",
            r"nyene(?!\w)",
            r"(?<!\w)(?:a|ba|bi|i|ka|ki|ma|n|ndi|ri|ru|tu|twe|u|wu|ya|zi|mu)?zo[bcdghjkmnprstvw][a-z]+",
            r"\w{3,}mwo(?!\w)|pfun[gz]|shikira(?:ngan)?|rungik|bandany|gabish|giriz(?!w?e?ho)|iyamiriz|tegerez[wa]|nshingamateka",
            r"ronk[aey]|ronse",
            _words(
                "prezida igiporisi umukenyezi abakenyezi inyuma gushika ashika hashika bashika ngaho ntaco"
                " ico aho niho ivyo vyo"
                " ubwambere atari niko harya imisi icigwa incanco ingwano indwano zimwe"
                " canke reta umugwi imigwi indwi ingene ubutunzi sentare igipolisi umugera amagara urucanco"
                " abajejwe ndwi afise ufise bafise ifise urwaruka bulaya akenge imvo cayo cabo icumba amahasa"
            ),
        ),
    ),
    _Pair(
        "zu",
        "xh",
        _cues(
            _words(
                "ukuthi umuntu manje futhi kusho lapho yokuthi ngoba kodwa uthe usuku iphoyisa amaphoyisa"
                " owesilisa owesifazane"
            ),
            r"(?<!\w)izin|phoyis|(?<!\w)ngesikhathi|kusho",
        ),
        _cues(
            r"(?<!\w)(?:ne|na|no)?kwi(?=[A-Z\w])",
            r"(?<!\w)(?:ii|oo)[a-z]",
            r"rh[aeiou]",
            r"ty[aeiou]",
            r"dy[aeiou]",
            r"(?<!\w)umnt",
            r"tsh[aeiou]",
            r"(?:aa|ee|ii|oo|uu)(?=[a-z])",
            r"phulaphul",
            r"sibhedlele",
            r"(?<!\w)m?phathiswa",
            r"khona(?!\w)",
            r"(?<!\w)\w{1,3}zaku\w",
            r"(?<!\w)(?:iza|uza|ziza|baza|siza) ku",
            _words(
                "ukuba kwaye ngoku xa umntu abantwana kakhulu mzantsi umzantsi wakhe lakhe bakhe yona zona"
                " kunye emva okanye apho"
            ),
        ),
    ),
    _Pair(
        "am",
        "ti",
        _cues(
            _words("ነው ናቸው እና ላይ ውስጥ ጋር ስለ ወደ ነበር ያህል ግን ዘንድ እንደ ይህ ይህም እንዲሁም ሆኖም ወይም"),
            r"(?<!\w)የ\w",
            r"(?<!\w)ለሚ|(?<!\w)በሚ|ዎች(?!\w)|(?<!\w)ከ\w+ና(?!\w)",
        ),
        _cues(
            _words("ናይ ኣብ እዩ ካብ ምስ ናብ ነቲ እቲ እታ ዘሎ ከም ኣለዎ ድዩ እንታይ ብ ንምምላስ"),
            "[\u1250\u1256\u1258\u125a-\u125d\u12a3\u12b8-\u12be]",
            r"(?<!\w)ዝ\w|(?<!\w)ዘይ?(?!መን|ንድ)\w",
            r"ን(?=\s\w+ን(?!\w))",
            r"['\u2019](?:ቲ|ታ|ቶም)(?!\w)",
        ),
    ),
    _Pair(
        "ja",
        "zh",
        _cues("[\u3041-\u30fa]", "[気円県駅売広図伝経済関対価応検査続発変権銭霊沢]"),
        # Characters that only simplified writing has, and some of the traditional one that Japanese does not use.
        _cues(
            "[们这说为谈议银东车长门问间见话语该请让认还进远选过运马难风飞龙军农爱业产亲伤优员单华岁岛][这們個麼灣臺還]?|[們這說麼灣啊嗎呢吧您]"
        ),
    ),
    _Pair(
        "vi",
        "ig",
        _cues("[ăđơưấầẩẫậắằẳẵặếềểễệốồổỗộớờởỡợứừửữựảẻỉỏủỷýỳỹỵ]", _words("của và là không người trong các cho với được")),
        _cues(
            r"(?<!\w)na-",
            r"(?<!\w)n['\u2019]",
            r"gh[aeiouịọụ]",
            r"\w{3,}[aeiouịọụ]\w*[aeiouịọụ]\w{2,}",
            _words("nke ndị ihe maka onye ọ ka ga ya ha anyị mmadụ otu dị m a na"),
        ),
    ),
)
_BY_KNOWN = {pair.known: pair for pair in _PAIRS} | {pair.meant: pair for pair in _PAIRS}


def runs(text: str) -> Iterator[str]:
    """The runs of three to five letters in the words of a text, their edges as spaces."""
    for word in _WORD.findall(text.lower()):
        edged = f" {word.replace(_APOSTROPHE, chr(39))} "
        for length in range(3, 6):
            for at in range(len(edged) - length + 1):
                yield edged[at : at + length]


def told_apart(code: str, sample: str, kirundi: Mapping[str, float] = MappingProxyType({})) -> str:
    """The language a model means by `code`: the neighbour if its cues in the text outnumber those of the code's own.

    Where neither has more, runs of letters tell Kirundi from Kinyarwanda: `kirundi` is how much each speaks for it.
    """
    pair = _BY_KNOWN.get(code)
    if pair is None:
        return code
    known, meant = len(pair.of_known.findall(sample)), len(pair.of_meant.findall(sample))
    if known == meant and pair.meant == "rn":
        return "rn" if sum(kirundi.get(run, 0.0) for run in runs(sample)) > ENOUGH else pair.known if kirundi else code
    if known == meant:
        return code
    return pair.meant if meant > known else pair.known
