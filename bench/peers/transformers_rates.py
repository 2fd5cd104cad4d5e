#!/usr/bin/env python3
"""Measures transformers on the loads of `turnhalle bench policy`: `generate` on a batch of equal
prompts' lengths, and an eager, padded policy-gradient step in the manner of TRL.

    $(bench/peers/setup) bench/peers/transformers_rates.py [--model FOLDER] [options]

Without --model it builds the demo's shape: width 64, 4 layers, 4 heads, SwiGLU 192. Prints one
JSON object with tokens per second for each run.
"""

import argparse
import json
import time

import torch
from transformers import AutoModelForCausalLM, LlamaConfig, LlamaForCausalLM


def build(options):
    if options.model:
        return AutoModelForCausalLM.from_pretrained(options.model, dtype=torch.float32)
    torch.manual_seed(1)
    return LlamaForCausalLM(LlamaConfig(
        vocab_size=340, hidden_size=64, intermediate_size=192, num_hidden_layers=4,
        num_attention_heads=4, num_key_value_heads=4, max_position_embeddings=1024,
        tie_word_embeddings=False))


def generate(model, options):
    vocabulary = model.config.vocab_size
    prompts = torch.randint(0, vocabulary, (options.conversations, options.prompt_tokens))
    start = time.perf_counter()
    with torch.no_grad():
        result = model.generate(prompts, attention_mask=torch.ones_like(prompts), do_sample=True,
                                top_k=0, top_p=1.0, temperature=1.0, pad_token_id=0,
                                max_new_tokens=options.new_tokens)
    seconds = time.perf_counter() - start
    return options.conversations * (result.shape[1] - options.prompt_tokens) / seconds


def padded_batch(vocabulary, options):
    span = options.sequence_max - options.sequence_min + 1
    lengths = torch.tensor([options.sequence_min + i * 37 % span
                            for i in range(options.sequences)])
    longest = int(lengths.max())
    mask = (torch.arange(longest)[None] < lengths[:, None]).long()
    tokens = torch.randint(0, vocabulary, (options.sequences, longest))
    groups = torch.arange(options.sequences) // options.group_size
    prompts = torch.randint(0, vocabulary, (int(groups.max()) + 1, options.shared_prompt))
    tokens[:, :options.shared_prompt] = prompts[groups]
    return tokens * mask, mask


def train(model, optimiser, tokens, mask, prompt):
    """A step on the tokens after the prompt; every padded position gets its logits, as in TRL."""
    start = time.perf_counter()
    logits = model(tokens, attention_mask=mask).logits[:, :-1]
    logprobs = torch.log_softmax(logits, -1).gather(2, tokens[:, 1:, None]).squeeze(2)
    ratio = (logprobs - logprobs.detach()).exp()
    counts = mask.clone()
    counts[:, :max(1, prompt)] = 0
    loss = -(ratio * counts[:, 1:]).sum() / counts.sum()
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()
    return int(mask.sum()) / (time.perf_counter() - start)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="")
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--conversations", type=int, default=32)
    parser.add_argument("--prompt-tokens", type=int, default=64)
    parser.add_argument("--new-tokens", type=int, default=64)
    parser.add_argument("--sequences", type=int, default=64)
    parser.add_argument("--sequence-min", type=int, default=40)
    parser.add_argument("--sequence-max", type=int, default=100)
    parser.add_argument("--shared-prompt", type=int, default=0)
    parser.add_argument("--group-size", type=int, default=8)
    options = parser.parse_args()
    if options.threads:
        torch.set_num_threads(options.threads)
    model = build(options)
    report = {"model": options.model or "demo shape", "torch": torch.__version__,
              "threads": torch.get_num_threads(), "generated": [], "trained": []}
    if options.conversations:
        model.eval()
        model.generation_config.eos_token_id = None
        report["generated"] = [generate(model, options)
                               for _ in range(options.runs + 1)][1:]
    if options.sequences:
        model.train()
        optimiser = torch.optim.AdamW(model.parameters(), lr=1e-5, betas=(0.9, 0.95),
                                      weight_decay=0.01, fused=True)
        tokens, mask = padded_batch(model.config.vocab_size, options)
        report["trained"] = [train(model, optimiser, tokens, mask, options.shared_prompt)
                             for _ in range(options.runs + 1)][1:]
    print(json.dumps(report))


if __name__ == "__main__":
    main()
