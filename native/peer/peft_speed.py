"""Tokens/s and peak memory of PyTorch with PEFT on the trainer's work; one JSON line. Run by bench/trainer.ts.

    python peft_speed.py SHAPE THREADS float32|bfloat16 BATCH SEQUENCE SECONDS cpu|cuda
"""

import json
import resource
import sys
import time

import torch
from peft import LoraConfig, get_peft_model
from transformers import LlamaConfig, LlamaForCausalLM, Qwen2Config, Qwen2ForCausalLM

shape, threads, precision, batch, sequence, seconds = sys.argv[1], int(sys.argv[2]), sys.argv[3], *map(int, sys.argv[4:7])
device = sys.argv[7]
torch.set_num_threads(threads)
if shape == "smollm2-135m":
    config = LlamaConfig(vocab_size=49152, hidden_size=576, intermediate_size=1536, num_hidden_layers=30, num_attention_heads=9,
                         num_key_value_heads=3, max_position_embeddings=8192, tie_word_embeddings=True)
    model_class = LlamaForCausalLM
else:
    config = Qwen2Config(vocab_size=151936, hidden_size=896, intermediate_size=4864, num_hidden_layers=24, num_attention_heads=14,
                         num_key_value_heads=2, max_position_embeddings=8192, tie_word_embeddings=True)
    model_class = Qwen2ForCausalLM
targets = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
# Weights are made in the precision that trains: a float32 start would count in the peak of bfloat16.
torch.set_default_dtype(getattr(torch, precision))
torch.set_default_device(device)
model = get_peft_model(model_class(config), LoraConfig(r=8, lora_alpha=16, target_modules=targets), autocast_adapter_dtype=False)
optimiser = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=1e-3)
tokens = torch.randint(0, config.vocab_size, (batch, sequence))
times = []
started = time.time()
while len(times) < 2 or time.time() - started < seconds:
    begun = time.time()
    optimiser.zero_grad()
    loss = model(input_ids=tokens, labels=tokens).loss
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimiser.step()
    loss.item()
    times.append(time.time() - begun)
times = sorted(times[1:])
speed = batch * sequence / times[len(times) // 2]
print(json.dumps({"tokensPerSecond": speed, "peakRssMiB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))
