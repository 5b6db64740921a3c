"""Words as search sees them: the same for an article when it is indexed and for a question when it is asked. Pure.

    text → case, accents → tokens → no function words → stems of its language        " harbour bridg reopen | two year "

Scripts without spaces (Han, kana, Thai, Lao, Khmer, Burmese, Tibetan) become pairs of letters, so that any string of
two or more is found wherever a word begins or ends. Stems are those of the Snowball project (snowballstem.org), and
remembered: a text is mostly words that were met before.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from functools import cache
from typing import ClassVar

import Stemmer

from shared.text import fold

BREAK = "|"  # stands between title and text: no phrase runs across it
MAX_TOKEN = 60  # characters of a word that count
MAX_TOKENS = 30_000  # of an article: what is made of them must stay below 1 MB
REMEMBERED = 20_000  # pieces of text, of all languages, whose stems are kept, and as many before: 8 MB
MAX_REMEMBERED = 24  # characters of one

# Language (primary subtag) -> algorithm. What is not here is found by its exact words, whatever their accents.
STEMMERS = {
    "ar": "arabic", "ca": "catalan", "cs": "czech", "da": "danish", "de": "german", "el": "greek", "en": "english",
    "eo": "esperanto", "es": "spanish", "et": "estonian", "eu": "basque", "fa": "persian", "fi": "finnish",
    "fr": "french", "ga": "irish", "hi": "hindi", "hu": "hungarian", "hy": "armenian", "id": "indonesian",
    "it": "italian", "lt": "lithuanian", "ne": "nepali", "nl": "dutch", "no": "norwegian", "nb": "norwegian",
    "nn": "norwegian", "pl": "polish", "pt": "portuguese", "ro": "romanian", "ru": "russian", "sr": "serbian",
    "sv": "swedish", "ta": "tamil", "tr": "turkish", "yi": "yiddish",
}  # fmt: skip
LANGUAGES = ("", *sorted(STEMMERS))
# Their algorithms bear having the accents taken away first, so that words meet whether typed with accents or without.
_FOLD_FIRST = frozenset(
    ["ca", "da", "de", "en", "eo", "es", "eu", "fr", "ga", "id", "it", "nb", "nl", "nn", "no", "pt", "sv"]
)

# The words that carry least in each language. Folded; one language a paragraph.
_FUNCTION_WORDS = """
ar: في من على الى إلى عن أن ان التي الذي هذا هذه ما لا كان مع كما بعد قد

cs: a aby ale ani by co do i ja jak jako je jeho ji jsou k ke ktera ktere ktery na ne o od po podle pro pri s se si to
u v ve z za ze

da: af at da de den der det du efter en er et for fra han har hun i ikke jeg kan man med men mod og om op pa sig sin
ska som til ud var ved vi vil

de: als am an auch auf aus bei bis das dass dem den der des die durch ein eine einem einen einer eines er es fur hat
ich im in ist mit nach nicht noch nur oder sein sich sie sind so uber um und unter vom von vor war was wie wird zu zum
zur

el: και να το του τη την της τα με για από στο στη στην σε ο η οι τον των που είναι δεν θα ότι ως

en: a about after all also an and any are as at be because been but by can could did do for from had has have he her
him his how i if in into is it its more my no not of on one or our out over she so some such than that the their them
then there these they this to up was we were what when which who will with would you your

es: a al algo como con de del desde donde el ella en entre era es esta este esto fue ha han hasta hay la las le les lo
los mas me mi muy no nos o para pero por porque que se ser si sin sobre son su sus tambien te tiene un una uno y ya

fi: ei en etta han hanen ja jo joka kuin kun mutta myos ne niin nyt oli olisi on ovat se sen sita tai vain voi

fr: a au aux avec ce ces cette c comme d dans de des du elle en est et ete etre eu il ils je l la le les leur lui mais
me meme mon n ne nous on ont ou par pas plus pour qu que qui s sa se ses si son sont sur tout un une vous y

hu: a az egy es hogy is ez volt meg de nem csak mar mint ki el fel van

id: dan di yang untuk dari pada dengan ini itu ke dalam akan tidak oleh juga adalah ada para telah

it: a ad al alla alle ai agli anche che chi ci come con da dai dal dalla dei del della delle di e ed era gli ha hanno
i il in io la le lo loro ma mi nei nel nella non o per piu questa questo se si sono su sul sulla tra un una uno

nl: aan als bij dan dat de die dit door een en er had heeft het hij hun ik in is je kan maar met na naar niet nog of
om ook op over te tot uit van voor was wat we werd wordt ze zich zijn zo

no: av at da de den der det du en er et etter for fra han har hun i ikke jeg kan man med men mot og om opp pa seg sin
skal som til ut var ved vi vil

pl: a aby ale bo byc byl byla bylo co czy dla do i ich jak jako jego jej jest juz ktora ktore ktory ma na nie o od
oraz po przez przy sa sie tak tego tej to tym tylko w we z za ze

pt: a ao aos as com como da das de do dos e ela ele em entre era essa esse esta este eu foi ha isso ja la mais mas me
na nas nao no nos o os ou para pela pelo por que quem se sem ser seu sua sao tambem tem um uma

ro: a al ale au ca care ce cu da de din dupa e este fi in la mai nu o pe pentru prin s sa sau se si sunt un una

ru: а без бы был была были было быть в во вот все вы где да для до его ее если есть еще же за и из или им их к как ко
который которые ли мы на не него нет ни но о об он она они от по под при с со так также то того только у уже чем что
чтобы эта это этого я

sv: att av de den det du efter en ett for fran han har hon i inte jag kan man med men mot och om pa sig sin ska som
till ut var vi vid vill ar

tr: bir bu ve ile de da icin cok daha gibi olarak olan ne ki o ama en mi mu
"""

# Letters, and the marks that `\w` leaves out although words are written with them.
_MARKS = (
    "\u0300-\u036f\u0483-\u0487\u0591-\u05bd\u05bf\u05c1\u05c2\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06dc"
    "\u06df-\u06e8\u0900-\u0963\u0981-\u09cd\u0a01-\u0a4d\u0a70-\u0acd\u0b01-\u0b57\u0b82-\u0bcd\u0c00-\u0c56\u0c81-\u0cd6"
    "\u0d00-\u0d57\u0d81-\u0df3\u0e31-\u0e3a\u0e47-\u0e4e\u0eb1-\u0ebc\u0ec8-\u0ecd\u0f71-\u0f84\u102b-\u103e\u17b4-\u17d3"
)
_TOKEN = re.compile(rf"(?:[^\W_]|[{_MARKS}])+")
_PLAIN_TOKEN = re.compile(r"[0-9a-z]+")
_UNSPACED = (
    "\u0e00-\u0fff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
)
_RUN = re.compile(rf"[{_UNSPACED}]+|[^{_UNSPACED}]+")
# l'avion, d'accord, qu'il; the dockers' and Duarte's: what stands on the short side of the apostrophe is no word.
_ELISION = re.compile(
    r"(?<!\w)(?:l|d|n|s|j|m|t|c|qu|lorsqu|puisqu|dell|all|nell|un)'(?=\w)|(?<=\w)'(?:s|t|ll|re|ve|d|m)?(?!\w)"
)
# Between what no word reaches over and no rule here looks beyond: not `_` and apostrophes, nor `<=>`, which join marks.
_PIECE = re.compile('[^ \t\n\r\xa0!"#$%&()*+,\\-./:;?@[\\]\\\\^`{|}~“”„«»…—–]+')
_INVISIBLE = dict.fromkeys(map(ord, "\u00ad\u200b\u200c\u200d\u200e\u200f\u2060\ufeff"))


def tokens(text: str, *, keep_accents: bool = False) -> list[str]:
    """The words of a text in order, without case; without accents too, unless a stemmer needs them."""
    if text.isascii():
        return _plain_tokens(text)
    seen = text.translate(_INVISIBLE)
    plain = unicodedata.normalize("NFKC", seen.casefold()) if keep_accents else fold(seen)
    plain = _ELISION.sub("", plain.replace("’", "'").replace("ʼ", "'"))
    found: list[str] = []
    for token in _TOKEN.findall(plain):
        if token.isascii() or not _has_unspaced(token):
            found.append(token[:MAX_TOKEN])
        else:
            for run in _RUN.findall(token):
                found += _pairs(run) if _has_unspaced(run) else [run[:MAX_TOKEN]]
        if len(found) > MAX_TOKENS:
            break
    return found[:MAX_TOKENS]


def _plain_tokens(text: str) -> list[str]:
    """The same of a text in ASCII, in a sixth of the time: the pattern looks at the words alone that may need it."""
    plain = text.lower()
    if "'" in plain:
        plain = " ".join([_ELISION.sub("", word) if "'" in word else word for word in plain.split()])
    found: list[str] = _PLAIN_TOKEN.findall(plain)[:MAX_TOKENS]
    if max(map(len, found), default=0) > MAX_TOKEN:
        return [token[:MAX_TOKEN] for token in found]
    return found


_ANY_UNSPACED = re.compile(rf"[{_UNSPACED}]")


def _has_unspaced(token: str) -> bool:
    return _ANY_UNSPACED.search(token) is not None


def _pairs(run: str) -> list[str]:
    """Every two neighbours, and the last letter alone: so a single letter is found as the beginning of a pair."""
    return [run[i : i + 2] for i in range(len(run))]


def is_pair(token: str) -> bool:
    """Whether a token came from a script without spaces."""
    return len(token) <= 2 and _has_unspaced(token)


def stems(words: Sequence[str], language: str) -> list[str]:
    """The stem of each token, folded. `language` is of `LANGUAGES`; tokens as `tokens` gives them for it."""
    algorithm = STEMMERS.get(language)
    if algorithm is None:
        return list(words)
    found: list[str] = _stemmer(algorithm).stemWords(words)
    if language in _FOLD_FIRST:
        return [stem or word for stem, word in zip(found, words, strict=True)]
    return [fold(stem) or fold(word) for stem, word in zip(found, words, strict=True)]


def tokens_for(text: str, language: str) -> list[str]:
    """The tokens of a text as the stemmer of a language wants them."""
    return tokens(text, keep_accents=bool(language) and language not in _FOLD_FIRST)


def is_function_word(token: str, language: str) -> bool:
    """Whether a token says nothing by itself in a language."""
    return fold(token) in _function_words(language)


def analyser(language: str | None) -> str:
    """The language whose stems an article in `language` gets: itself, or `` where there are none."""
    return language if language in STEMMERS else ""


def indexed(title: str, text: str, language: str) -> str:
    """An article as a string of stems, each with a space on both sides: its title, then its other text.

    Function words are left out, so that phrases meet without them; a title that has any stands once more, whole, at the
    end, for questions that consist of nothing else (`The Who`).
    """
    head = tokens_for(title, language)
    kept = _kept(head, language)
    told = f" {' '.join([*stems(kept, language), BREAK])}{_told(text, language)}"
    if len(kept) < len(head):
        told = f"{told} {' '.join([BREAK, *stems(head, language)])}"
    if len(told) > 2 * MAX_TOKENS and told.count(" ") > MAX_TOKENS:
        told = " ".join(told.split(" ")[: MAX_TOKENS + 1])
    return f"{told} "


def _told(text: str, language: str) -> str:
    """The stems of a text, a space before each. A piece of it that has come before is not read again."""
    if len(text) <= MAX_TOKENS:
        return "".join(map(_remembered(language).__getitem__, _PIECE.findall(text.lower())))
    return _stemmed(text, language)


def _stemmed(text: str, language: str) -> str:
    return "".join([f" {stem}" for stem in stems(_kept(tokens_for(text, language), language), language)])


def _stem_of(piece: str, language: str) -> str:
    """The same of a piece; most are one plain word."""
    algorithm = STEMMERS.get(language)
    if algorithm and language in _FOLD_FIRST and len(piece) <= MAX_TOKEN and piece.isalpha() and piece.isascii():
        return "" if piece in _function_words(language) else f" {_stemmer(algorithm).stemWord(piece) or piece}"
    return _stemmed(piece, language)


class _Remembered(dict[str, str]):
    """A piece of text -> its stems.

    When there are too many, those of the last while are kept, and forgotten if they are not met again.
    """

    all: ClassVar[list[_Remembered]] = []
    known: ClassVar[int] = 0

    def __init__(self, language: str) -> None:
        super().__init__()
        self.language = language
        self.before: dict[str, str] = {}
        _Remembered.all.append(self)

    def __missing__(self, piece: str) -> str:
        told = self.before.get(piece)
        if told is None:
            told = _stem_of(piece, self.language)
        if len(piece) <= MAX_REMEMBERED:
            if _Remembered.known >= REMEMBERED:
                _Remembered.grow_old()
            self[piece] = told
            _Remembered.known += 1
        return told

    @classmethod
    def grow_old(cls) -> None:
        """Begin anew, what is known at hand."""
        for one in cls.all:
            one.before = dict(one)
            one.clear()
        cls.known = 0


@cache
def _remembered(language: str) -> _Remembered:
    return _Remembered(language)


def _kept(words: Iterable[str], language: str) -> list[str]:
    idle = _function_words(language)
    if not idle:
        return list(words)
    if language in _FOLD_FIRST:
        return [word for word in words if word not in idle]
    return [word for word in words if word not in idle and fold(word) not in idle]


@cache
def _function_words(language: str) -> frozenset[str]:
    asked = "no" if language in ("nb", "nn") else language
    for paragraph in _FUNCTION_WORDS.split("\n\n"):
        name, _, told = paragraph.strip().partition(":")
        if name == asked:
            return frozenset(fold(told).split())
    return frozenset()


@cache
def _stemmer(algorithm: str) -> Stemmer.Stemmer:
    return Stemmer.Stemmer(algorithm, 0)  # without a memory of its own
