"""Trains LoRA adapters with PyTorch and PEFT and states the held-out loss before and after. Run by bench/learning.ts.

    python peft_learning.py MODEL.gguf TRAIN.jsonl TEST.jsonl THREADS '{"rank": 8, "alpha": 16, "learningRate": 1e-3, "seeds": [1], ...}'

Lines hold {"tokens": [...]}, one window each. One JSON line is printed: nats and labelled tokens of the test windows for the
base model, and for the adapter of each seed after one epoch the nats and the seconds. A seed gives the first A and the windows'
order, the same as argot-trainer's (native/src/random.cpp), so that only the arithmetic differs.
"""

import json
import os
import sys
import time

import numpy
import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM

model_path, train_path, test_path, threads = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])
settings = json.loads(sys.argv[5])
torch.set_num_threads(threads)

targets = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
config = LoraConfig(r=settings["rank"], lora_alpha=settings["alpha"], target_modules=targets, lora_dropout=0)


def philox(seed, stream, counters):
    """Philox 4x32-10 (Salmon et al. 2011): four 32-bit words for each counter, as rows."""
    low = numpy.uint64(0xFFFFFFFF)
    halves = lambda x: (x & low, x >> numpy.uint64(32))
    x = [*halves(numpy.asarray(counters, numpy.uint64)), *halves(numpy.full(len(counters), stream, numpy.uint64))]
    key = [seed & 0xFFFFFFFF, seed >> 32]
    for _ in range(10):
        low0, high0 = halves(numpy.uint64(0xD2511F53) * x[0])
        low1, high1 = halves(numpy.uint64(0xCD9E8D57) * x[2])
        x = [high1 ^ x[1] ^ numpy.uint64(key[0]), low1, high0 ^ x[3] ^ numpy.uint64(key[1]), low0]
        key = [(key[0] + 0x9E3779B9) & 0xFFFFFFFF, (key[1] + 0xBB67AE85) & 0xFFFFFFFF]
    return numpy.stack(x, axis=1)


def shuffled(count, seed):
    order = list(range(count))
    words = philox(seed, 1 << 40, range(count + 1))
    for i in range(count, 1, -1):
        pick = (int(words[i][0]) << 32 | int(words[i][1])) % i
        order[i - 1], order[pick] = order[pick], order[i - 1]
    return order


def seed_adapter(model, seed):
    """Fills every A; B is zero already."""
    for name, parameter in model.named_parameters():
        if ".lora_A." not in name:
            continue
        layer = next(int(part) for part in name.split(".") if part.isdigit())
        target = next(i for i, each in enumerate(targets) if f".{each}." in name)
        words = philox(seed, layer * len(targets) + target, range(parameter.numel() // 4)).reshape(parameter.shape)
        uniform = ((words >> numpy.uint64(8)).astype(numpy.int64) * 2 + 1 - (1 << 24)) / (1 << 24)
        with torch.no_grad():
            parameter.copy_(torch.from_numpy(uniform / numpy.sqrt(parameter.shape[1])))


def windows(path):
    with open(path) as lines:
        return [torch.tensor([json.loads(line)["tokens"]]) for line in lines]


def loss_of(model, batch):
    logits = model(input_ids=batch).logits[0, :-1]
    return torch.nn.functional.cross_entropy(logits, batch[0, 1:], reduction="sum")


def held_out(model):
    with torch.no_grad():
        return sum(loss_of(model, batch).item() for batch in test)


def train_epoch(model, order):
    parameters = [p for p in model.parameters() if p.requires_grad]
    optimiser = torch.optim.AdamW(parameters, lr=settings["learningRate"], weight_decay=0.0)
    for step, index in enumerate(order):
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
    model = get_peft_model(base, config)
    seed_adapter(model, seed)
    started = time.time()
    train_epoch(model, shuffled(len(train), seed))
    result["seconds"].append(time.time() - started)
    result["trainedNats"].append(held_out(model))
    base = model.unload()
print(json.dumps(result))
