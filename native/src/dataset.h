// Examples from a file of JSON lines, and how they are packed.
//
//   {"tokens": [1, 2, 3], "labels": [[1, 3], [3, 9, 2.5]], "weight": 1}
//
// `labels` are ranges [from, to) of tokens to be predicted, each with an optional weight; without them all tokens but
// the first are. `weight` multiplies the whole example.
#pragma once

#include "network.h"

#include <string>
#include <vector>

namespace argot {

struct Example {
    std::vector<int32_t> tokens;
    /** By token; 0 where it is not predicted. */
    std::vector<float> weights;
    /** Σ weights. */
    double total = 0;
    int64_t labelled = 0;
};

/** Refuses by line number: bad JSON, tokens outside the vocabulary, examples longer than `capacity`. */
std::vector<Example> load_examples(const std::string & path, int64_t vocabulary, int64_t capacity);

/** Which examples share a pack. First fit into the packs still open, in the given order. */
std::vector<std::vector<uint32_t>> pack_examples(const std::vector<Example> & examples, const std::vector<uint32_t> & order, int64_t capacity,
                                                 size_t most_segments);

/** `scale(example)` multiplies the weights of an example's labels. */
Pack make_pack(const std::vector<Example> & examples, const std::vector<uint32_t> & members, const std::function<double(uint32_t)> & scale);

} // namespace argot
