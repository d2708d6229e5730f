"""Trains one LoRA adapter with PyTorch and PEFT and states the held-out loss before and after. Run by bench/learning.ts.

    python peft_learning.py MODEL.gguf TRAIN.jsonl TEST.jsonl THREADS '{"rank": 8, "alpha": 16, "learningRate": 1e-3, ...}'

Lines hold {"tokens": [...]}, one window each. One JSON line is printed: nats and labelled tokens of the test windows, for the
base model and for the adapter after one epoch.
"""

import json
import os
import sys
import time

import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM

model_path, train_path, test_path, threads = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])
settings = json.loads(sys.argv[5])
torch.set_num_threads(threads)
torch.manual_seed(settings["seed"])

# Dequantised to float32: both sides train on the same weights.
model = AutoModelForCausalLM.from_pretrained(os.path.dirname(model_path), gguf_file=os.path.basename(model_path), dtype=torch.float32)
targets = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
model = get_peft_model(model, LoraConfig(r=settings["rank"], lora_alpha=settings["alpha"], target_modules=targets, lora_dropout=0))


def windows(path):
    with open(path) as lines:
        return [torch.tensor([json.loads(line)["tokens"]]) for line in lines]


def loss_of(batch):
    logits = model(input_ids=batch).logits[0, :-1]
    return torch.nn.functional.cross_entropy(logits, batch[0, 1:], reduction="sum")


def held_out():
    with torch.no_grad():
        return sum(loss_of(batch).item() for batch in windows(test_path))


train, labelled = windows(train_path), sum(batch.shape[1] - 1 for batch in windows(test_path))
base = held_out()
optimiser = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=settings["learningRate"], weight_decay=0.0)
started = time.time()
for step, index in enumerate(torch.randperm(len(train)).tolist()):
    for group in optimiser.param_groups:
        group["lr"] = settings["learningRate"] * min(1, (step + 1) / settings["warmupSteps"])
    optimiser.zero_grad()
    batch = train[index]
    (loss_of(batch) / (batch.shape[1] - 1)).backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), settings["clip"])
    optimiser.step()
seconds = time.time() - started
print(json.dumps({"baseNats": base, "trainedNats": held_out(), "tokens": labelled, "seconds": seconds}))
