"""Prompts as people write them: openings, follow-ups, rephrasings, retries, in nine languages.

Compositional: a template with slots, then a personal style (case, courtesy, typos, length). Knows no source and no side.
"""

from __future__ import annotations

import re

from stillwatch.compose.dice import Dice
from stillwatch.compose.text import words as w

OPENERS = (
    "how do I explain {topic} to {role}?", "what should I know about {topic} before moving to {place}?",
    "help me write a short note to {role} about {topic}", "I'm stuck with {topic}. {more}",
    "can you compare {topic} and {topic2}?", "what's the difference between {topic} and {topic2}",
    "give me {n} ideas for {topic}", "Is it normal that {topic} takes {n} weeks?", "plan a {n}-day trip to {place}, we like {topic}",
    "draft an email to {role}, I can't make it on the {n}th because of {topic}", "why is {topic} so expensive in {place}",
    "rewrite this so it sounds less harsh: I told {role} that {topic} is not my problem",
    "I have {n} {goods} and need to split them between {name} and {name2}, what's fair?",
    "summarise the main arguments about {topic}", "make a table of {n} common mistakes in {topic}",
    "what would {name} say about {topic}? she's {role2}", "explain {topic} like I'm five", "pros and cons of {topic} vs {topic2}?",
    "my {n} year old asked about {topic}, what do I answer", "I read that {topic} causes {topic2}, is that true?",
    "write a poem about {topic} for {name}", "checklist for {topic} please", "quiz me on {topic}",
    "translate to {lang}: I would like to talk about {topic} with {role}", "act as {role} and interview me about {topic}",
    "who invented the modern approach to {topic}?", "recommend books on {topic}", "what does {topic} cost in {place} these days",
    "Thinking of quitting my job over {topic}. {more}", "names for a small shop in {place} about {topic}",
)  # fmt: skip
MORE = (
    "I tried the usual advice and it made it worse.", "{name} keeps telling me otherwise.", "We only have {n} days left.",
    "It worked until last week.", "Not sure where to even begin.", "I already read two articles and they contradict each other.",
    "The budget is about {big} euros.", "I'm in {place} if that matters.", "Please keep it short.", "No jargon.",
)  # fmt: skip
FOLLOW_UPS = (
    "ok and what about {topic2}?", "can you make it shorter", "that's not what I meant", "why?", "give an example", "thanks!",
    "hmm, {name} says the opposite", "and if I only have {n} minutes?", "make it more formal", "in a table please",
    "you forgot the part about {topic}", "add {n} more", "what if it fails?", "are you sure?", "where did you get that",
    "continue", "explain the second point again", "translate that to {lang}", "now for {place} instead",
    "is there a cheaper way", "so which one would you choose?", "no, the other one", "I tried that, {more_lower}",
    "can you say that in one sentence", "great, now write it as an email to {role}", "what does that word mean", "go on",
    "rewrite it without the first paragraph", "and the risks?", "I get an error when I do that", "ok forget it. {opener}",
)  # fmt: skip
CODE_OPENERS = (
    "write a {code} function to {op} a {thing} {constraint}", "my {code} code to {op} a {thing} is slow, any idea?",
    "getting `TypeError` in {file} when I {op} the {thing}", "how do I {op} a {thing} in {code}?",
    "refactor this:\n```{code}\n{snippet}\n```", "what does this do?\n```\n{snippet}\n```", "unit tests for {symbol} in {file}",
    "why does {symbol} return None when the {thing} is empty", "convert this {code} to {code2}:\n{snippet}",
    "best way to {op} a {thing} {constraint}?", "fix the failing test in {file}: expected {n}, got {n2}",
    "explain the error: panic at {file}:{n2} while trying to {op} {thing}", "add pagination to {symbol}, keep the public api",
    "review {file}, especially {symbol}", "sql to find the top {n} rows of the {thing} per customer",
)  # fmt: skip
CODE_FOLLOW_UPS = (
    "still fails with the same error", "now {symbol} breaks", "can you do it {constraint}", "use {code2} instead", "it works, thanks",
    "what about {file}?", "the test says expected {n} got {n2}", "why not use a {thing}?", "add comments", "revert that and try again",
    "ok apply it to {file} as well", "make it faster", "run it again", "no, keep the signature of {symbol}", "type hints please",
)  # fmt: skip
SNIPPETS = (
    "def {symbol}(rows):\n    out = []\n    for r in rows:\n        if r.{f} > {n}:\n            out.append(r)\n    return out",
    "const {f} = await {symbol}(id, {n2});\nif (!{f}) throw new Error('no {thing}');",
    "for i := 0; i < {n2}; i++ {{\n\t{f} = append({f}, i*{n})\n}}", "SELECT {f}, count(*) FROM orders WHERE total > {n2} GROUP BY 1;",
    "while queue:\n    {f} = queue.pop(0)\n    seen.add({f})\n    time.sleep({n})", "let {f} = items.iter().filter(|x| x.len() > {n}).count();",
)  # fmt: skip
FOREIGN: dict[str, tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]] = {
    "de": (
        ("wie erkläre ich {t} einem Kind?", "Schreib mir bitte eine kurze Mail an den Vermieter wegen {t}", "was kostet {t} in {place}",
         "Unterschied zwischen {t} und {t2}?", "ich brauche {n} Ideen für {t}", "Warum dauert {t} so lange?", "Fasse {t} in {n} Sätzen zusammen",
         "hilf mir bei {t}, ich habe nur {n} Tage Zeit", "ist es schlimm, wenn {t} nicht klappt"),
        ("und was ist mit {t}?", "kürzer bitte", "danke, das hilft", "das stimmt so nicht", "noch {n} Beispiele", "warum?", "als Tabelle bitte"),
        ("Steuererklärung", "Wärmepumpe", "Kündigungsfrist", "Sauerteig", "Mietvertrag", "Datenbankindex", "Schlafprobleme", "Bewerbung",
         "Photosynthese", "Fahrradreparatur", "Rente", "Balkongarten")),
    "fr": (
        ("comment expliquer {t} à un enfant ?", "Peux-tu écrire un mail au propriétaire à propos de {t} ?", "combien coûte {t} à {place}",
         "quelle est la différence entre {t} et {t2} ?", "donne-moi {n} idées pour {t}", "Résume {t} en {n} phrases", "je ne comprends pas {t}"),
        ("et pour {t} ?", "plus court s'il te plaît", "merci beaucoup", "ce n'est pas ça", "encore {n} exemples", "pourquoi ?"),
        ("la déclaration d'impôts", "le levain", "le bail", "la retraite", "les verbes pronominaux", "le jardin", "l'inflation", "la randonnée",
         "la photosynthèse", "le mariage")),
    "es": (
        ("¿cómo le explico {t} a mi hijo?", "Escribe un correo corto sobre {t}", "¿cuánto cuesta {t} en {place}?", "diferencia entre {t} y {t2}",
         "dame {n} ideas para {t}", "resume {t} en {n} frases", "no entiendo {t}, ayuda", "¿es normal que {t} tarde {n} semanas?"),
        ("¿y {t}?", "más corto por favor", "gracias", "eso no es", "otros {n} ejemplos", "¿por qué?", "hazlo en tabla"),
        ("la declaración de impuestos", "el alquiler", "la masa madre", "la jubilación", "la entrevista", "los volcanes", "el huerto",
         "la inflación", "la boda", "el insomnio")),
    "pt": (
        ("como explico {t} para uma criança?", "escreve um e-mail curto sobre {t}", "quanto custa {t} em {place}", "qual a diferença entre {t} e {t2}?",
         "me dá {n} ideias para {t}", "resume {t} em {n} frases", "não entendi {t}", "o teste de {t} continua falhando, o que faço?"),
        ("e {t}?", "mais curto por favor", "obrigado!", "não era isso", "mais {n} exemplos", "por quê?", "agora em tabela"),
        ("o imposto de renda", "o aluguel", "a aposentadoria", "a entrevista", "o banco de dados", "a horta", "a inflação", "o casamento",
         "a fotossíntese", "a bateria")),
    "ru": (
        ("как объяснить ребёнку {t}?", "напиши короткое письмо про {t}", "сколько стоит {t} в {place}", "чем отличается {t} от {t2}",
         "дай {n} идей: {t}", "кратко расскажи про {t}", "не понимаю {t}"),
        ("а {t}?", "короче пожалуйста", "спасибо", "не то", "ещё {n} примеров", "почему?"),
        ("налоговая декларация", "закваска", "аренда", "пенсия", "собеседование", "инфляция", "сад", "вулканы", "бессонница", "шахматы")),
    "zh": (
        ("怎么向孩子解释{t}？", "帮我写一封关于{t}的邮件", "{place}的{t}大概多少钱", "{t}和{t2}有什么区别", "给我{n}个关于{t}的点子", "用{n}句话总结{t}",
         "我不太懂{t}，能举个例子吗", "为什么{t}需要这么久"),
        ("那{t}呢？", "短一点", "谢谢", "不是这个意思", "再来{n}个例子", "为什么？", "用表格列出来", "继续"),
        ("报税", "租房合同", "养老金", "面试", "数据库索引", "通货膨胀", "阳台种菜", "光合作用", "失眠", "火山", "象棋开局", "简历")),
    "ja": (
        ("{t}を子どもに説明するには？", "{t}について短いメールを書いて", "{place}で{t}はいくらくらい？", "{t}と{t2}の違いは？", "{t}のアイデアを{n}個ください",
         "{t}を{n}文で要約して", "{t}がよくわかりません"),
        ("では{t}は？", "もっと短く", "ありがとう", "そうじゃなくて", "例をあと{n}個", "なぜ？", "表にして"),
        ("確定申告", "賃貸契約", "年金", "面接", "データベース", "インフレ", "家庭菜園", "光合成", "不眠", "火山")),
}  # fmt: skip
_SLOT = re.compile(r"(?<!\{)\{(\w+)\}(?!\})")


_PLAIN: dict[str, tuple[str, ...]] = {
    "topic": w.TOPICS, "topic2": w.TOPICS, "name": w.PEOPLE, "name2": w.PEOPLE, "goods": w.GOODS, "place": w.PLACES, "role": w.ROLES,
    "role2": w.ROLES, "code": w.LANGS, "code2": w.LANGS, "thing": w.THINGS, "op": w.OPERATIONS, "constraint": w.CONSTRAINTS,
    "file": w.FILES, "symbol": w.SYMBOLS, "field": w.FIELDS, "product": w.PRODUCTS, "mood": w.MOODS, "scene": w.SCENES,
    "screen": w.SCREENS, "matter": w.SENSITIVE, "country": w.COUNTRIES, "tool": w.TOOLS,
    "lang": ("Spanish", "German", "Polish", "Korean", "Dutch", "Turkish"), "f": ("row", "val", "total", "item", "node", "acc"),
}  # fmt: skip
_NUMBERS = {"n": (2, 12, 1), "n2": (13, 400, 1), "big": (2, 90, 100)}
_BANKS = {"more": MORE, "opener": OPENERS, "snippet": SNIPPETS}


def _slot(dice: Dice, name: str) -> str:
    plain = _PLAIN.get(name)
    if plain is not None:
        return dice.pick(plain)
    number = _NUMBERS.get(name)
    if number is not None:
        return str(dice.whole(number[0], number[1]) * number[2])
    if name == "more_lower":
        return fill(dice, dice.pick(MORE)).lower()
    return fill(dice, dice.pick(_BANKS[name]))


def fill(dice: Dice, template: str) -> str:
    """A template with each slot drawn anew; doubled braces stand for single ones."""
    return _SLOT.sub(lambda match: _slot(dice, match[1]), template).replace("{{", "{").replace("}}", "}")


def _foreign(dice: Dice, language: str, *, follow: bool) -> str:
    openers, follow_ups, topics = FOREIGN[language]
    text = dice.pick(follow_ups if follow else openers)
    text = text.replace("{t}", dice.pick(topics)).replace("{t2}", dice.pick(topics))
    return fill(dice, text)


class Voice:
    """How one person writes: language, case, courtesy, slips. The same voice runs through all the account's chats."""

    __slots__ = ("capital", "coder", "courtesy", "language", "slips", "wordy")

    def __init__(self, dice: Dice, language: str, coder: float = 0.3) -> None:
        self.language = language if language == "en" or dice.chance(0.65) else "en"
        self.capital = dice.weighted((0.05, 0.5, 0.97), (3, 4, 4))
        self.courtesy = dice.pick((0.0, 0.0, 0.1, 0.4))
        self.slips = dice.pick((0.0, 0.02, 0.1))
        self.wordy = dice.pick((0.05, 0.2, 0.5))
        self.coder = coder

    def styled(self, dice: Dice, text: str) -> str:
        if dice.chance(self.wordy):
            text = f"{text} {fill(dice, dice.pick(MORE))}" if self.language == "en" else text
        if dice.chance(self.courtesy) and self.language == "en":
            text = dice.pick((f"please {text}", f"hi! {text}", f"{text} thanks", f"hey, {text}"))
        if dice.chance(self.slips) and len(text) > 12:
            cut = dice.whole(2, len(text) - 3)
            text = text[:cut] + text[cut + 1] + text[cut] + text[cut + 2 :]
        return text[:1].upper() + text[1:] if dice.chance(self.capital) else text[:1].lower() + text[1:]

    def opening(self, dice: Dice) -> str:
        if self.language in FOREIGN and dice.chance(0.8):
            return self.styled(dice, _foreign(dice, self.language, follow=False))
        return self.styled(dice, fill(dice, dice.pick(CODE_OPENERS if dice.chance(self.coder) else OPENERS)))

    def next(self, dice: Dice, *, code: bool) -> str:
        if self.language in FOREIGN and dice.chance(0.8):
            return self.styled(dice, _foreign(dice, self.language, follow=True))
        return self.styled(dice, fill(dice, dice.pick(CODE_FOLLOW_UPS if code else FOLLOW_UPS)))


def rephrase(dice: Dice, text: str) -> str:
    """What a person sends when the first answer did not fit: the same question, said a little differently."""
    tail = fill(
        dice, dice.pick(("? I mean in practice", " (again)", ", but simpler", " -- {more}", "??", " with {n} examples"))
    )
    body = text.rstrip("?. ")
    return dice.pick((f"sorry, {body[:1].lower()}{body[1:]}", body)) + tail
