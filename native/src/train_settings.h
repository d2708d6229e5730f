// What `train` is told, and how much memory it may use.
#pragma once

#include "request.h"

#include <string>
#include <vector>

namespace argot {

enum class Schedule { constant, cosine };
enum class Optimiser { adamw, sgd };

struct Privacy {
    bool on = false;
    double clip = 1;
    double noise_multiplier = 0;
    /** Examples that a step samples on average; each is taken independently (Poisson). */
    double expected_batch = 0;
    /** Tests only: noise and sampling that can be repeated. */
    bool seeded = false;
    uint64_t seed = 0;
};

struct TrainSettings {
    std::string data, validation, output, checkpoint, start, delta;
    AdapterShape shape;
    Matrices mode = Matrices::both;
    std::vector<FrozenAdapter> frozen;
    std::vector<std::string> parents;
    /** Of A where no adapter is gone on from, and of dropout; of the examples' order. */
    uint64_t seed = 0, order_seed = 0;
    int64_t sequence = 256, packs_per_step = 1, steps = 0, epochs = 1;
    double learning_rate = 1e-3, weight_decay = 0, beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8, clip = 1;
    int64_t warmup_steps = 0;
    Schedule schedule = Schedule::constant;
    Optimiser optimiser = Optimiser::adamw;
    float dropout = 0;
    int64_t evaluate_every = 0, patience = 3, checkpoint_every = 0;
    bool resume = false, report_norms = false;
    double seconds_limit = 0;
    int64_t memory_bytes = 0;
    bool checkpointing_forced = false, checkpointing_allowed = true;
    Privacy privacy;
    Json card;
    /** Everything that decides the result, as text: a checkpoint of other settings is refused. */
    std::string fingerprint;
};

TrainSettings read_train_settings(Fields & fields, const Common & common);

struct MemoryPlan {
    int64_t bytes;
    NetworkOptions options;
    /** Gradient vectors that a private step holds at once. */
    int64_t slots;
};

/**
 * Chooses checkpointing and the number of logits rows so that weights, activations, gradients and optimiser stay below
 * `ceiling` bytes (0: no ceiling). Throws memoryCeiling with the least that would do.
 */
MemoryPlan plan_memory(const Common & common, const AdapterShape & shape, NetworkOptions options, int64_t ceiling, bool privacy);

} // namespace argot
