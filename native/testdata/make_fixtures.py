"""Remakes the fixtures that hold the trainer to PyTorch and PEFT.

    python make_fixtures.py MAKE_MODEL LIBRARIES      (needs torch, transformers, peft and gguf)

For each architecture: a model of random weights by argot-make-model, a random adapter, three examples; PyTorch's loss
and gradients in float64. Written beside this file: NAME.adapter.gguf, NAME.gradient.f32 (in the order of a delta) and
NAME.json. Tests need none of these packages.
"""

import hashlib
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import gguf
import numpy
import torch
from peft import LoraConfig, get_peft_model
from transformers import LlamaConfig, LlamaForCausalLM, Qwen2Config, Qwen2ForCausalLM, Qwen3Config, Qwen3ForCausalLM

RANK, ALPHA = 2, 3.0
CLASSES = {
    "llama": (LlamaConfig, LlamaForCausalLM),
    "qwen2": (Qwen2Config, Qwen2ForCausalLM),
    "qwen3": (Qwen3Config, Qwen3ForCausalLM),
}
# GGUF's names beside those of transformers, in the order of a delta.
TARGETS = {
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}
NORMS = {
    "attn_norm": "input_layernorm",
    "ffn_norm": "post_attention_layernorm",
    "attn_q_norm": "self_attn.q_norm",
    "attn_k_norm": "self_attn.k_norm",
}


def read(path):
    reader = gguf.GGUFReader(path)
    tensors = {t.name: torch.from_numpy(numpy.array(t.data)).double() for t in reader.tensors}
    fields = {name: field.contents() for name, field in reader.fields.items() if not name.startswith("GGUF.")}
    return tensors, fields


def pairs_to_halves(rows, heads):
    """llama's rows of q and k: GGUF turns neighbours, transformers turns dimension i with i + half."""
    return rows.reshape(heads, -1, 2, *rows.shape[1:]).transpose(1, 2).reshape(rows.shape)


def halves_to_pairs(rows, heads):
    return rows.reshape(heads, 2, -1, *rows.shape[1:]).transpose(1, 2).reshape(rows.shape)


def build(arch, tensors, fields):
    config_class, model_class = CLASSES[arch]
    key = lambda name: fields[f"{arch}.{name}"]
    config = config_class(
        vocab_size=tensors["token_embd.weight"].shape[0],
        hidden_size=key("embedding_length"),
        intermediate_size=key("feed_forward_length"),
        num_hidden_layers=key("block_count"),
        num_attention_heads=key("attention.head_count"),
        num_key_value_heads=key("attention.head_count_kv"),
        head_dim=key("attention.key_length"),
        rms_norm_eps=key("attention.layer_norm_rms_epsilon"),
        rope_theta=key("rope.freq_base"),
        max_position_embeddings=key("context_length"),
        tie_word_embeddings=True,
        attention_bias=False,
    )
    config._attn_implementation = "eager"
    model = model_class(config).double()
    heads = {"attn_q": key("attention.head_count"), "attn_k": key("attention.head_count_kv")}
    turn = (lambda t, name: pairs_to_halves(t, heads[name])) if arch == "llama" else (lambda t, name: t)
    state = {"model.embed_tokens.weight": tensors["token_embd.weight"], "model.norm.weight": tensors["output_norm.weight"]}
    state["lm_head.weight"] = state["model.embed_tokens.weight"]
    for layer in range(key("block_count")):
        ours, theirs = f"blk.{layer}.", f"model.layers.{layer}."
        for name, other in TARGETS.items():
            weight = tensors[f"{ours}{name}.weight"]
            state[f"{theirs}{other}.weight"] = turn(weight, name) if name in heads else weight
            if f"{ours}{name}.bias" in tensors:
                state[f"{theirs}{other}.bias"] = tensors[f"{ours}{name}.bias"]
        for name, other in NORMS.items():
            if f"{ours}{name}.weight" in tensors:
                state[f"{theirs}{other}.weight"] = tensors[f"{ours}{name}.weight"]
    model.load_state_dict(state)
    return model, heads if arch == "llama" else {}


def write_adapter(path, arch, adapter):
    writer = gguf.GGUFWriter(path, arch)
    writer.add_type("adapter")
    writer.add_string("adapter.type", "lora")
    writer.add_float32("adapter.lora.alpha", ALPHA)
    for name, matrix in adapter.items():
        writer.add_tensor(name, matrix)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def make(arch, make_model, libraries, folder):
    here = Path(__file__).parent
    path = str(Path(folder) / f"{arch}.gguf")
    subprocess.run([make_model, libraries, path, arch, "f32", "tiny"], check=True)
    tensors, fields = read(path)
    model, turned = build(arch, tensors, fields)
    random = numpy.random.default_rng(7)
    model = get_peft_model(
        model,
        LoraConfig(r=RANK, lora_alpha=ALPHA, target_modules=[name.split(".")[1] for name in TARGETS.values()]),
        autocast_adapter_dtype=False,
    )
    modules = dict(model.named_modules())
    adapter, places = {}, []
    for layer in range(fields[f"{arch}.block_count"]):
        for name, other in TARGETS.items():
            module = modules[f"base_model.model.model.layers.{layer}.{other}"]
            a, b = module.lora_A["default"].weight, module.lora_B["default"].weight
            ours_a = random.normal(0, 0.3, a.shape).astype(numpy.float32)
            ours_b = random.normal(0, 0.3, b.shape).astype(numpy.float32)
            adapter[f"blk.{layer}.{name}.weight.lora_a"] = ours_a
            adapter[f"blk.{layer}.{name}.weight.lora_b"] = ours_b
            rows = torch.from_numpy(ours_b).double()
            a.data = torch.from_numpy(ours_a).double()
            b.data = pairs_to_halves(rows, turned[name]) if name in turned else rows
            places.append((name, a, b))
    write_adapter(str(here / f"{arch}.adapter.gguf"), arch, adapter)

    vocabulary = tensors["token_embd.weight"].shape[0]
    examples = [{"tokens": random.integers(0, vocabulary, n).tolist()} for n in (13, 9, 5)]
    examples[1]["labels"] = [[2, 4], [6, 9, 2.5]]
    examples[2]["weight"] = 0.5
    loss = total = 0
    for example in examples:
        tokens = torch.tensor([example["tokens"]])
        weights = torch.zeros(tokens.shape[1], dtype=torch.float64)
        for label in example.get("labels", [[1, tokens.shape[1]]]):
            weights[label[0] : label[1]] = label[2] if len(label) > 2 else 1.0
        weights *= example.get("weight", 1.0)
        losses = torch.nn.functional.cross_entropy(model(input_ids=tokens).logits[0, :-1], tokens[0, 1:], reduction="none")
        loss = loss + (losses * weights[1:]).sum()
        total += weights.sum()
    loss = loss / total
    loss.backward()

    flat, layout = [], []
    for name, a, b in places:
        grad_b = halves_to_pairs(b.grad, turned[name]) if name in turned else b.grad
        for kind, grad in (("a", a.grad), ("b", grad_b)):
            flat.append(grad.detach().numpy().astype("<f4").ravel())
            layout.append({"tensor": f"{name}.lora_{kind}", "values": int(grad.numel())})
    numpy.concatenate(flat).tofile(here / f"{arch}.gradient.f32")
    fixture = {
        "modelSha256": hashlib.sha256(Path(path).read_bytes()).hexdigest(),
        "torch": torch.__version__.split("+")[0],
        "loss": loss.item(),
        "examples": examples,
        "layout": layout,
    }
    (here / f"{arch}.json").write_text(json.dumps(fixture, separators=(",", ":")) + "\n")
    print(arch, loss.item())


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        for arch in CLASSES:
            make(arch, sys.argv[1], sys.argv[2], folder)
