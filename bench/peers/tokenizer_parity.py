#!/usr/bin/env python3
"""Compares our token ids with those of Hugging Face's tokenizers, line by line.

usage: tokenizer_parity.py PROGRAM TOKENIZER_JSON [LINES]

PROGRAM is lm_tokenize_lines of the build folder. Special tokens in the text count as text on both
sides. Exits 1 when any of the LINES (2 000) lines differs. Needs the package tokenizers, which
the environment of scripts/fetch_model has.
"""

import json
import subprocess
import sys
import time

from mixed_text import mixed_lines
from tokenizers import Tokenizer

SHOWN_MAX = 5


def main(arguments):
    if len(arguments) not in (2, 3):
        sys.exit(__doc__)
    program, path = arguments[:2]
    lines = mixed_lines(int(arguments[2]) if len(arguments) == 3 else 2000)
    theirs = Tokenizer.from_file(path)
    theirs.encode_special_tokens = True
    sent = "".join(json.dumps(line) + "\n" for line in lines)
    start = time.perf_counter()
    run = subprocess.run([program, path], input=sent, capture_output=True, text=True, check=True)
    seconds = time.perf_counter() - start
    ours = [[int(number) for number in line.split()] for line in run.stdout.split("\n")[:-1]]
    expected = [theirs.encode(line, add_special_tokens=False).ids for line in lines]
    if len(ours) != len(lines):
        sys.exit(f"{len(ours)} lines came back, expected {len(lines)}")
    wrong = [i for i in range(len(lines)) if ours[i] != expected[i]]
    for i in wrong[:SHOWN_MAX]:
        print(f"line {i}: {lines[i]!r}\n  ours   {ours[i]}\n  theirs {expected[i]}")
    tokens = sum(map(len, expected))
    print(
        f"{len(lines) - len(wrong)} of {len(lines)} lines equal, {tokens} tokens, "
        f"{seconds:.2f} s with loading"
    )
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main(sys.argv[1:])
