#!/usr/bin/env python3
"""Compares a checkpoint's logits and greedy tokens with those of transformers.

    $(bench/peers/setup) bench/peers/parity.py MODEL_FOLDER PROGRAM [--count 128]

PROGRAM is the built lm_score_tokens, which also writes the checkpoint anew; transformers loads
what it wrote. Prints one JSON object; exit code 1 when a logit differs by
more than the tolerance or a greedy token differs.
"""

import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

import torch
from safetensors.torch import load_file, save_file
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer

TEXT = ("A gym hall for agents that take many turns: the world is simulated, the tools answer "
        "late, and the policy learns from what it wrote down. Question: what is the capital of "
        "France, and which river flows through it? Answer:")


def prompt_tokens(folder, vocabulary):
    if (pathlib.Path(folder) / "tokenizer.json").exists():
        return AutoTokenizer.from_pretrained(folder)(TEXT, return_tensors="pt").input_ids
    return torch.arange(60).remainder(vocabulary)[None]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder")
    parser.add_argument("program")
    parser.add_argument("--count", type=int, default=128)
    parser.add_argument("--tolerance", type=float, default=1e-4)
    options = parser.parse_args()

    vocabulary = AutoConfig.from_pretrained(options.folder).vocab_size
    tokens = prompt_tokens(options.folder, vocabulary)
    with tempfile.TemporaryDirectory() as folder:
        given, out, copy = (f"{folder}/{name}" for name in ("tokens", "out", "copy"))
        save_file({"tokens": tokens[0].contiguous()}, given)
        subprocess.run([options.program, options.folder, given, str(options.count), out, copy],
                       check=True)
        ours = load_file(out)
        model = AutoModelForCausalLM.from_pretrained(copy, dtype=torch.float32).eval()
    with torch.no_grad():
        logits = model(tokens).logits[0]
        model.generation_config.eos_token_id = None  # all of the tokens, whatever they are
        greedy = model.generate(tokens, attention_mask=torch.ones_like(tokens), do_sample=False,
                                max_new_tokens=options.count,
                                pad_token_id=0)[0, tokens.shape[1]:]
    same = ours["greedy"].long() == greedy
    report = {
        "model": options.folder,
        "prompt_tokens": tokens.shape[1],
        "logit_difference_max": (ours["logits"] - logits).abs().max().item(),
        "logit_magnitude_max": logits.abs().max().item(),
        "greedy_tokens": len(greedy),
        "greedy_equal": int(same.sum()),
    }
    print(json.dumps(report))
    good = report["logit_difference_max"] <= options.tolerance and bool(same.all())
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
