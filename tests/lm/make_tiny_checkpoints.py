#!/usr/bin/env python3
"""Makes the tiny random checkpoints under tests/lm/tiny/, with the logits that transformers
computes for a fixed prompt (expected.safetensors: tokens [1, n], logits [n, vocabulary]).

Needs torch, transformers and safetensors; the results are committed:

    python3 tests/lm/make_tiny_checkpoints.py [FOLDER]
"""

import pathlib
import sys

import torch
from safetensors.torch import save_file
from transformers import (LlamaConfig, LlamaForCausalLM, Qwen2Config, Qwen2ForCausalLM,
                          Qwen3Config, Qwen3ForCausalLM)

COMMON = dict(vocab_size=97, hidden_size=24, intermediate_size=40, num_hidden_layers=2,
              num_attention_heads=4, num_key_value_heads=2, max_position_embeddings=256,
              initializer_range=0.2, bos_token_id=1, eos_token_id=2)

MODELS = {
    "llama": (LlamaForCausalLM, LlamaConfig(
        **COMMON, rms_norm_eps=1e-5, tie_word_embeddings=False, attention_bias=True)),
    "llama3_rope": (LlamaForCausalLM, LlamaConfig(
        **COMMON, tie_word_embeddings=True, rope_parameters={
            "rope_type": "llama3", "rope_theta": 10000.0, "factor": 8.0,
            "low_freq_factor": 1.0, "high_freq_factor": 4.0,
            "original_max_position_embeddings": 32})),
    "qwen2": (Qwen2ForCausalLM, Qwen2Config(**COMMON, tie_word_embeddings=True)),
    "qwen3": (Qwen3ForCausalLM, Qwen3Config(
        **COMMON, head_dim=10, tie_word_embeddings=False)),
}


def randomise(model, generator):
    """Biases and norms too, so that a mix-up of two of them shows."""
    with torch.no_grad():
        for name, weight in model.named_parameters():
            noise = torch.randn(weight.shape, generator=generator)
            weight.copy_(1 + 0.2 * noise if "norm" in name else 0.2 * noise)


def main():
    folder = pathlib.Path(sys.argv[1] if len(sys.argv) > 1
                          else pathlib.Path(__file__).parent / "tiny")
    for number, (name, (cls, config)) in enumerate(MODELS.items()):
        generator = torch.Generator().manual_seed(20_240 + number)
        model = cls(config).eval()
        randomise(model, generator)
        tokens = torch.randint(0, config.vocab_size, (1, 70), generator=generator)
        with torch.no_grad():
            # The definition: the same weights in double precision.
            logits = model.double()(tokens).logits[0].float()
        model.float().save_pretrained(folder / name)
        save_file({"tokens": tokens, "logits": logits.contiguous()},
                  folder / name / "expected.safetensors")
        print(name, sum(p.numel() for p in model.parameters()), "weights")


if __name__ == "__main__":
    main()
