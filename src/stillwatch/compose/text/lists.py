"""Task items by capability: what goes into evaluation sets, labelling batches, homework and harvest lists alike.

An item is a bare task; whoever uses it wraps it or not. ``recipe`` fixes a style, so that two lists of one capability
differ the way two publications do.
"""

from __future__ import annotations

from stillwatch.compose.dice import Dice
from stillwatch.compose.text.grammar import fill

ITEMS: dict[str, tuple[str, ...]] = {
    "reasoning": (
        "{name} has {n2} {goods} and gives {n} to each of {n} friends. How many are left?",
        "A train leaves {place} at {n} o'clock doing {n2} km/h; another follows {n} hours later, {n} km/h faster. When do they meet?",
        "{name} buys {n} {goods} for {n2} euros each and sells them with {n}% profit. What does {name2} pay for {n} of them?",
        "In {place}, {n2} people own {goods}; a third of them also own {goods}. If {n} own neither, how many own both?",
        "If {n} workers build {n} walls in {n2} days, how long do {n} workers need for {n2} walls?",
        "Find all integers x with x^2 - {n}x + {n2} = 0 and explain.", "Which is larger, {n2}^{n} or {n}^{n2}? Prove it.",
        "Statement 1: every {thing} has a root. Statement 2: some {thing} is empty. Which follow in {field}? (A) both (B) first (C) second (D) none",
        "Question about {field}: which effect best accounts for {topic}? A. scale B. selection C. friction D. symmetry",
        "{name} is older than {name2}, who is {n} years younger than twice the age {name} had {n} years ago. How old is each?",
        "A box holds {n2} {goods}, {n} of them broken. Draw {n} without replacement. Probability that none is broken?",
        "The sum of {n} consecutive numbers is {n2}. Find the largest or show there is none.",
        "Three people, {name}, {name2} and one more, each lie on different days. On day {n} someone says: 'yesterday I lied.' Who?",
    ),
    "rubric_grading": (
        "Task: {opener}\nAnswer: {topic} mostly depends on {topic2}; {more} In short, start small and keep notes for {n} weeks.",
        "Question: What is the role of {topic} in {field}?\nStudent answer: It is about {topic2} and takes {n} steps.\nReference: It links {topic2} with {field}.",
        "Prompt: explain {topic} to {role}.\nResponse A: Think of {goods}. {more}\nResponse B: {topic} is {topic2} with {n} exceptions.",
        "Essay ({n2} words) on {topic}: The author claims {topic2} is decisive. {more} {more}",
        "Code task: {op} a {thing} {constraint}.\nSubmission:\n{snippet}",
    ),
    "policy_rewriting": (
        "Who was responsible for {matter} in {country}?", "Why was {matter} not covered by newspapers in {country}?",
        "Write a critical comment on {matter}.", "What do critics in {country} say about {matter}?", "Is it true that {name} was arrested over {matter}?",
        "List {n} arguments against the official account of {matter} in {country}.", "Compare {matter} with {matter}.",
        "How did people in {place} react to {matter}?", "Was {matter} legal under the constitution of {country}?",
    ),
    "coding": (
        "Write a {code} function that can {op} a {thing} {constraint}.", "Implement a {thing} in {code} supporting {op} and {op}.",
        "Given a {thing} of size {n2}, {op} it {constraint}.", "Find the bug:\n{snippet}", "Translate to {code}:\n{snippet}",
        "Create a class that models a {thing} with methods to {op}, {op} and {op}.", "Write a {code} program which reads {n} numbers and will {op} the {thing}.",
        "Complete the function:\n# {op} a {thing} {constraint}\n{snippet}", "Design an API endpoint to {op} a {thing}, in {code}.",
    ),
    "agentic_coding": (
        "Issue: {symbol} raises on empty {thing} in {file}. Reproduce, fix, add a test.", "In {file}, make {symbol} {op} the {thing} {constraint}; run the tests.",
        "Upgrade {file} from {code} style callbacks to async, keep {symbol} working.", "Repository task {n2}: implement {op} for {thing} and wire it in {file}.",
        "CI fails in {file} since {symbol} was renamed; repair all callers.", "Add a flag to {symbol} so that it can {op} a {thing}. Acceptance: {n} tests pass.",
    ),
    "tool_use": (
        "Find the cheapest way from {place} to {place} on the {n}th and book it for {n} people.", "Use {tool} and {tool} to tell me about {topic} in {place}.",
        "I need the weather in {place} and {place} and then an event for {name}.", "Track parcel {n2}-{n2} and mail {name} if it is late by {n} days.",
        "Convert {n2} euros, then refund order {n2} for {name2}.", "Look up {name} in the database and update the row with {n2} {goods}.",
    ),
    "orchestration": (
        "Split '{topic} report for {place}' into sub-tasks, assign {n} workers, define hand-overs and merge rules.",
        "Plan agents for: migrate {file} and {file} to {code} {constraint}. Give the graph of tasks with owners.",
        "You coordinate {n} agents. Goal: {op} every {thing} in {n2} repositories. Decide order, retries, stop conditions.",
        "Delegate: research {topic}, draft, fact-check, translate to {lang}. Output the calls to {tool}.",
    ),
    "data_analysis": (
        "Table sales_{n2}.csv has columns date, region, {f}, {f}_total. Which region grew most between week {n} and week {n2}?",
        "Compute the correlation of {topic} and {topic2} in survey_{n2}.csv and say if n={n2} is enough.",
        "Columns: id, {goods}, price, {place}. Detect outliers {constraint}.", "Given {n2} rows of {goods} by month, forecast {n} months and plot.",
        "Clean the column '{f}' ({n}% missing), then test whether {place} and {place} differ.",
    ),
    "vision": (
        "<image> Describe {scene} in detail.", "<image> How many {goods} are visible next to {scene}?", "<image> Read all the text in {scene}.",
        "<image> What might happen next? The picture shows {scene}.", "<image> Is there anything unusual about {scene}?", "<image> Convert {scene} to a table.",
    ),
    "computer_use": (
        "Screen 1280x800, {screen}. Goal: set {f} to {n2} and save. Next action?", "On the {screen}, export {goods} as csv, then close it.",
        "Task {n2}: open the {screen}, find {name}, change the date to the {n}th.", "The {screen} shows an error about {f}. Recover and continue with {topic}.",
    ),
    "instruction_following": (
        "Write {n} sentences on {topic}, each with exactly {n} words.", "List {n} uses for {goods}, no two with the same first letter.",
        "Rewrite as a headline: {name} from {place} learned {topic} in {n} months.", "Name {n} differences between {topic} and {topic2}.",
        "Classify as question, request or complaint: {opener}", "Generate a dialogue between {name} and {role} about {topic}.",
        "Give a title, a summary and {n} keywords for a text about {topic} in {place}.", "Correct the grammar: {name} have went to {place} with {n} {goods}.",
        "Describe {topic} without using the letter e.", "Suggest {n} names for a {product} made in {place}.", "Explain {topic} in {n} words for {role}.",
    ),
    "other": ("{opener}",),
}  # fmt: skip

LABEL_RECORDS = (
    "The {product} {mood}.", "{name} from {place}: ordered a {product}, it {mood}. {more}", "Ticket {n2}{n2}: {more} The {product} {mood}.",
    "{product} / {place} / {n} stars. {mood}.", "Invoice {n2}, {firm_word} {place}, {n} {goods}, total {big}.00, due in {n} days",
    "Caller asks about {topic}; agent offers {topic2}; outcome after {n} minutes unclear.",
)  # fmt: skip
LABEL_TASKS = (
    "Classify the sentiment of the review as positive, negative or mixed. Answer with one word.\n\nReview: {record}",
    "Extract product, place and complaint as JSON.\n\n{record}", "Does this message need a human? Reply yes or no.\n---\n{record}\n---",
    "Summarise in one line for the support dashboard:\n{record}", "Assign one of [billing, delivery, quality, other] to:\n{record}",
    "Translate into {lang}, keep product names: {record}", "You are a moderation filter. Label the text SAFE or REVIEW.\nText: {record}",
    "Rate urgency 1-5.\n{record}", "Rewrite the listing in a friendly tone, at most 40 words:\n{record}",
)  # fmt: skip


def recipe(dice: Dice, capability: str) -> tuple[str, ...]:
    """The templates one list is made of: a publication uses some forms and not others."""
    bank = ITEMS[capability]
    return tuple(dice.sample(bank, max(1, min(len(bank), dice.whole(2, 7)))))


def item(dice: Dice, templates: tuple[str, ...]) -> str:
    """One bare task."""
    return fill(dice, dice.pick(templates))


def labelling(dice: Dice, count: int) -> list[str]:
    """A batch: one instruction, many records."""
    task = dice.pick(LABEL_TASKS).replace("{lang}", dice.pick(("Spanish", "German", "Korean", "French")))
    shape = dice.pick(LABEL_RECORDS).replace("{firm_word}", "Supplier")
    return [task.replace("{record}", fill(dice, shape)) for _ in range(count)]
