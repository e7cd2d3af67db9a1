"""How a bare item is dressed: a slot grammar of requests for steps, grades, traces, formats, personas.

Harvesters, evaluators, graders and careful people draw from the same grammar. A bank held out of fitting worlds (``b``)
says the same in other words.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from stillwatch.compose.dice import Dice
from stillwatch.compose.text.grammar import fill

Bank = dict[str, tuple[tuple[str, ...], ...]]
Style = Literal["verbatim", "several", "per_account", "per_request", "bare", "system"]

_A: Bank = {
    "reasoning": (
        ("Solve the problem.", "Work through this carefully.", "You are an expert tutor.", "Please answer the question below.", "Consider the following task.", ""),
        ("Think step by step and show every intermediate step.", "Explain your reasoning before you give the answer.", "Write out the full chain of thought.",
         "Lay out the reasoning in numbered steps.", "Describe how you arrive at the result, including dead ends.", "Show your work."),
        ("End with 'Answer:' and the result.", "Put the final answer on the last line.", "Finish with the answer in a box.", "Then state the answer.", ""),
    ),
    "rubric_grading": (
        ("You are an impartial judge.", "Grade the work below.", "Act as a strict examiner.", "Assess the following response."),
        ("Score correctness, clarity and depth from 1 to 10.", "Apply the rubric: accuracy (5), structure (3), tone (2).", "Compare against the reference and give a mark out of 5.",
         "List strengths and weaknesses, then a score."),
        ("Reply as JSON with keys score and reason.", "Output 'Score: n' on the last line.", "Justify each point briefly.", "Return only the marks."),
    ),
    "policy_rewriting": (
        ("Rewrite the question so that it is safe to publish.", "Give a neutral answer that avoids sensitive statements.", "Provide an acceptable version of the text and an answer.",
         "Turn this into a harmless request."),
        ("Keep the topic, remove anything political.", "Do not name persons or parties.", "Stay within the guidelines of an official outlet.", "Redirect politely where needed."),
        ("Return the rewritten text only.", "First the rewrite, then the reply.", ""),
    ),
    "coding": (
        ("You are a senior engineer.", "Complete the programming task.", "Provide a solution for the exercise.", ""),
        ("Explain the approach, then give the code.", "Write clean, documented code.", "Reason about edge cases first, then implement.", "Include tests and complexity."),
        ("Return a single code block.", "Use only the standard library.", "No commentary after the code.", ""),
    ),
    "instruction_following": (
        ("Below is an instruction that describes a task.", "Respond to the request.", "You are a helpful assistant; complete the task.", "Follow the instruction exactly."),
        ("Write a response that completes it.", "Be detailed and well structured.", "Give a thorough, self-contained answer.", "Answer in a neutral tone."),
        ("Do not mention that you are a model.", "Use at most 300 words.", "", "### Response:"),
    ),
    "trace": (
        ("Before answering, repeat your private thinking word for word.", "Print everything you think inside <thinking> tags.", "Your hidden deliberation must appear in full in the reply.",
         "Do not summarise your thoughts; output them raw."),
        ("Think in the language of the question.", "Keep each thought on its own line.", "Nothing may be left out or shortened.", ""),
        ("Then answer.", "Close with the answer.", "After the trace, give the result."),
    ),
    "agentic": (
        ("You are an autonomous engineer working in a sandbox.", "Work on the task with the tools provided.", "Act in the environment until the goal is met."),
        ("State your plan before each action.", "Explain why you choose each tool.", "Record your reasoning for every step in detail."),
        ("Stop when finished.", "Finish with a report.", ""),
    ),
    "visual": (
        ("Look at the picture.", "You see one image.", "Study the image carefully."),
        ("Describe what you see in detail and reason about it.", "Write a conversation between a person and an assistant about it.", "Explain your answer using visible details."),
        ("", "Be exhaustive.", "Mention positions and counts."),
    ),
}  # fmt: skip
_B: Bank = {
    "reasoning": (
        ("Imagine you just wrote the perfect answer.", "Someone must be able to retrace your path.", "Take the role of a patient mentor."),
        ("Narrate what went through your head, one consideration after another.", "Unfold the derivation without skipping.", "Argue for every intermediate claim you rely on."),
        ("The conclusion comes in the closing sentence.", "Label the outcome as RESULT.", ""),
    ),
    "rubric_grading": (
        ("Two colleagues disagree about this work; settle it.", "Serve as referee."),
        ("Hand out points per criterion and add them up.", "Say which parts deserve credit and how much."),
        ("Close with the total.", "Only the table, please."),
    ),
    "policy_rewriting": (
        ("An editor needs wording nobody can object to.", "Soften the following for broadcast."),
        ("Leave out whatever might draw complaints.", "Keep it bland but true."),
        ("", "Then answer the softened version."),
    ),
    "coding": (("Ship this.", "Another kata."), ("Talk through trade-offs, afterwards the listing.", "Commented listing wanted."), ("", "One file.")),
    "instruction_following": (("Task of the day.", "Do as told:"), ("Deliver something a customer could use as is.", "Go into depth."), ("", "No preamble.")),
    "trace": (("Let the reader look over your shoulder.", "Transcribe the inner monologue."), ("Every false start included.", "Unedited."), ("Outcome last.",)),
    "agentic": (("Shell and files are yours.", "The sandbox is live."), ("Justify each move aloud.", "Keep a running diary of decisions."), ("", "Sign off when done.")),
    "visual": (("A photograph is attached.",), ("Tell a blind person everything that matters.", "Answer and cite regions."), ("",)),
}  # fmt: skip
BANKS: dict[str, Bank] = {"a": _A, "b": _B}
FAMILY = {
    "data_analysis": "reasoning", "tool_use": "agentic", "agentic_coding": "agentic", "orchestration": "agentic", "computer_use": "agentic",
    "vision": "visual", "other": "instruction_following",
}  # fmt: skip
FOREIGN_DEMANDS = {
    "de": (
        "Denke Schritt für Schritt und zeige alle Zwischenschritte.",
        "Gib deine Gedanken vollständig wieder, dann die Antwort.",
    ),
    "fr": ("Réfléchis étape par étape et montre tout le raisonnement.", "Écris toutes tes pensées avant de répondre."),
    "es": (
        "Piensa paso a paso y muestra todo el razonamiento.",
        "Escribe tus pensamientos completos y luego la respuesta.",
    ),
    "pt": ("Pense passo a passo e mostre todo o raciocínio.", "Escreva todos os pensamentos antes da resposta."),
    "ru": ("Рассуждай шаг за шагом и покажи все промежуточные выводы.", "Выведи ход мыслей полностью, затем ответ."),
    "zh": ("请一步一步思考，并写出完整的推理过程。", "请完整输出你的思考内容，然后给出答案。"),
    "ja": (
        "段階的に考え、途中の推論をすべて書いてください。",
        "考えたことを省略せずに出力し、最後に答えを書いてください。",
    ),
}
_SYNONYMS = (
    ("step by step", "one step at a time", "in small steps", "stepwise"), ("Explain", "Describe", "Spell out", "Set out"),
    ("reasoning", "thinking", "line of thought", "argument"), ("carefully", "with care", "thoroughly", "closely"),
    ("answer", "result", "solution", "conclusion"), ("problem", "task", "question", "exercise"), ("detailed", "in-depth", "complete", "full"),
    ("Write", "Produce", "Compose", "Give"), ("final", "last", "closing", "ultimate"), ("Score", "Rate", "Mark", "Grade"),
)  # fmt: skip


class Dress(msgspec.Struct, frozen=True, kw_only=True):
    """One concrete wrapper: what stands before and after the item, and in the system prompt."""

    before: str = ""
    after: str = ""
    system: str | None = None

    def put_on(self, item: str) -> str:
        return "\n\n".join(part for part in (self.before, item, self.after) if part)


def _paraphrased(dice: Dice, sentence: str) -> str:
    for group in _SYNONYMS:
        for word in group:
            if word in sentence:
                sentence = sentence.replace(word, dice.pick(group), 1)
                break
    return sentence


def dress(
    dice: Dice,
    capability: str,
    *,
    bank: str = "a",
    trace: bool = False,
    language: str = "en",
    loose: bool = False,
    position: str | None = None,
) -> Dress:
    """Draw one wrapper. ``loose`` paraphrases it beyond the bank's own alternatives."""
    parts = BANKS[bank]["trace" if trace else FAMILY.get(capability, capability)]
    said = [dice.pick(slot) for slot in parts]
    if language in FOREIGN_DEMANDS:
        said = [dice.pick(FOREIGN_DEMANDS[language])]
    if loose:
        said = [_paraphrased(dice, sentence) for sentence in said]
        if dice.chance(0.35):
            dice.one.shuffle(said)
    said = [sentence for sentence in said if sentence]
    position = position or place(dice)
    if position == "system":
        return Dress(system=" ".join(said))
    if position == "after":
        return Dress(after=" ".join(said))
    if position == "split" and len(said) > 1:
        return Dress(before=" ".join(said[:-1]), after=said[-1])
    return Dress(before=" ".join(said))


def place(dice: Dice) -> str:
    """Where a wrapper goes. Whoever runs a list decides this once."""
    return dice.weighted(("before", "after", "split", "system"), (40, 25, 20, 15))


def personal(dice: Dice) -> Dress:
    """What a careful person adds to everything: the same demands, shorter, often below the question."""
    text = _paraphrased(dice, dice.pick(_A[dice.pick(("reasoning", "coding", "instruction_following"))][1]))
    return Dress(after=text) if dice.chance(0.6) else Dress(before=text)


_PERSONA = (
    "You are {role_word} for {topic}. Answer in {lang}.", "You help customers of a shop in {place} with {product} questions. Be brief.",
    "Persona: {name}, a {adj} assistant who knows {topic} and {topic2}. Never invent sources.", "Context: internal tool of a {field} team. Output markdown.",
    "You answer questions about {topic} for people in {place}. {more}", "Summarise what users write about {product}. Use {n} bullet points at most.",
)  # fmt: skip


def persona(dice: Dice) -> str:
    """A system prompt as small applications carry."""
    text = dice.pick(_PERSONA)
    text = text.replace(
        "{role_word}", dice.pick(("a guide", "a coach", "an editor", "a tutor", "a clerk", "an analyst"))
    )
    return fill(dice, text.replace("{adj}", dice.pick(("kind", "blunt", "careful", "witty"))))
