// The state between two steps, so that a run that was killed goes on with the same bits.
#pragma once

#include "optimiser.h"

#include <string>
#include <vector>

namespace argot {

struct TrainState {
    int64_t step = 0, epoch = 0, pack = 0, tokens = 0, labelled = 0, examples = 0, stale = 0;
    uint64_t dropout_stream = 0;
    double best_loss = -1, seconds = 0;
    int64_t best_step = 0, validated = -1;
    std::vector<float> parameters, best;
    Moments moments;
};

void save_checkpoint(const std::string & path, const std::string & fingerprint, const TrainState & state);

/** Refuses a file that is damaged or was written under other settings or data. */
TrainState load_checkpoint(const std::string & path, const std::string & fingerprint, size_t parameters);

/** FNV-1a of 64 bits: finds damage and mix-ups, not malice. */
uint64_t hash_bytes(const void * data, size_t size, uint64_t hash = 0xcbf29ce484222325u);

} // namespace argot
