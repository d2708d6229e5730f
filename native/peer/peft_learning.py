"""Trains LoRA adapters with PyTorch and PEFT and states the held-out loss before and after. Run by bench/learning.ts.

    python peft_learning.py MODEL.gguf TRAIN.jsonl TEST.jsonl THREADS '{"rank": 8, "alpha": 16, "learningRate": 1e-3, "seeds": [1], ...}'

Lines hold {"tokens": [...]}, one window each. One JSON line is printed: nats and labelled tokens of the test windows for the
base model, and for the adapter of each seed (its first A and the windows' order) after one epoch the nats and the seconds.
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

targets = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
config = LoraConfig(r=settings["rank"], lora_alpha=settings["alpha"], target_modules=targets, lora_dropout=0)


def windows(path):
    with open(path) as lines:
        return [torch.tensor([json.loads(line)["tokens"]]) for line in lines]


def loss_of(model, batch):
    logits = model(input_ids=batch).logits[0, :-1]
    return torch.nn.functional.cross_entropy(logits, batch[0, 1:], reduction="sum")


def held_out(model):
    with torch.no_grad():
        return sum(loss_of(model, batch).item() for batch in test)


def train_epoch(model):
    parameters = [p for p in model.parameters() if p.requires_grad]
    optimiser = torch.optim.AdamW(parameters, lr=settings["learningRate"], weight_decay=0.0)
    for step, index in enumerate(torch.randperm(len(train)).tolist()):
        for group in optimiser.param_groups:
            group["lr"] = settings["learningRate"] * min(1, (step + 1) / settings["warmupSteps"])
        optimiser.zero_grad()
        batch = train[index]
        (loss_of(model, batch) / (batch.shape[1] - 1)).backward()
        torch.nn.utils.clip_grad_norm_(parameters, settings["clip"])
        optimiser.step()


train, test = windows(train_path), windows(test_path)
# Dequantised to float32: both sides train on the same weights.
base = AutoModelForCausalLM.from_pretrained(os.path.dirname(model_path), gguf_file=os.path.basename(model_path), dtype=torch.float32)
result = {"baseNats": held_out(base), "tokens": sum(batch.shape[1] - 1 for batch in test), "trainedNats": [], "seconds": []}
for seed in settings["seeds"]:
    torch.manual_seed(seed)
    model = get_peft_model(base, config)
    started = time.time()
    train_epoch(model)
    result["seconds"].append(time.time() - started)
    result["trainedNats"].append(held_out(model))
    base = model.unload()
print(json.dumps(result))
