"""Deterministic lines of mixed text and code, made to find differences between tokenizers.

Lines come in turn from: sources and doc strings of Python's standard library, its Unicode names
with the characters they name, emoji sequences, runs of white space, numbers, code with operators,
and random strings over awkward alphabets. The same Python gives the same lines.
"""

import inspect
import json
import random
import textwrap
import unicodedata

AWKWARD = (
    " \t\n\r\u000b\u000c\u0085\u00a0\u1680\u180e\u2003\u2028\u202f\u3000\u200b\u200d"
    "aZ\u00e9\u00c5\u01c5\u02b0\u0301\u0323\u0660\u06f5\u00b2\u00bd\u2167\u3007"
    "'\u2019\"_-.,;:!?()[]{}<>|/\\@#$%^&*+=~`0123456789"
    "\u4e2d\u6587\u65e5\u672c\ud55c\uae00\u0e44\u0e17\u0939\u093f\u0628\u05d0"
    "\U0001f600\U0001f468\U0001f3fd\ufe0f\u20ac\u221e\U00010400\U0001d7d8"
)
WORDS = (
    "the agent observes I'll you've DON'T it's 2024 3.14 Direction Goal reached; hint café naïve "
    "Straße Ελλάδα Москва 東京 서울 हिन्दी العربية עברית ไทย "
    "<|im_start|> <|im_end|> <bos> http://a.b/c?d=e"
).split(" ")
EMOJI = ["\U0001f44d\U0001f3fd", "\U0001f468\u200d\U0001f469\u200d\U0001f467", "\u2764\ufe0f",
         "\U0001f1eb\U0001f1f7", "1\ufe0f\u20e3", "\U0001f9d1\U0001f3ff\u200d\U0001f680"]
SPACES = [" ", "  ", "    ", "\t", "\t\t", " \t ", "\n", "\n\n", " \n ", "\r\n", "\u00a0", "\u3000"]


def source_lines():
    text = "".join(inspect.getsource(module) for module in (inspect, json.decoder, textwrap))
    return [line for line in text.split("\n") if line.strip()]


def unicode_line(rng):
    characters = []
    while len(characters) < 6:
        character = chr(rng.randrange(0x20, 0x2FFFF))
        if unicodedata.category(character) not in ("Cs", "Cn", "Co"):
            characters.append(character)
    return " ".join(c + " " + unicodedata.name(c, "?").lower() for c in characters[:3]) + "".join(
        characters[3:]
    )


def number_line(rng):
    numbers = [rng.randrange(10 ** rng.randrange(1, 12)) for _ in range(5)]
    total = numbers[0] + numbers[1]
    return f"{numbers[0]}+{numbers[1]}={total}, x{numbers[2]}y {numbers[3] / 7} {numbers[4]:,}"


def words_line(rng):
    return "".join(rng.choice(WORDS) + rng.choice(SPACES) for _ in range(rng.randrange(1, 12)))


def space_line(rng):
    parts = [rng.choice(SPACES) * rng.randrange(1, 4) + rng.choice("aB1.é") for _ in range(8)]
    return "".join(parts)


def emoji_line(rng):
    return "".join(rng.choice(EMOJI) + rng.choice(["", " ", "x"]) for _ in range(6))


def awkward_line(rng):
    return "".join(rng.choice(AWKWARD) for _ in range(rng.randrange(1, 60)))


def mixed_lines(count, seed=1):
    rng = random.Random(seed)
    sources = source_lines()
    makers = [unicode_line, number_line, words_line, space_line, emoji_line, awkward_line]
    lines = []
    while len(lines) < count:
        for maker in makers:
            lines.append(maker(rng))
            lines.append(rng.choice(sources))
    return lines[:count]
