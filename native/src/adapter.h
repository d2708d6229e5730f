// LoRA adapters: W + scale · B · A for any subset of a layer's seven matrices. Hu et al., arXiv 2106.09685.
#pragma once

#include "json.h"
#include "model.h"

#include <map>
#include <string>
#include <vector>

namespace argot {

/** One matrix pair. B is kept transposed, since every product here wants its rows in the order of the rank. */
struct Pair {
    std::vector<float> a;           // (rank, in)
    std::vector<float> b_transposed; // (rank, out)
};

struct AdapterShape {
    int64_t rank = 8;
    float alpha = 16;
    std::array<bool, target_count> targets{};
    float scale() const { return alpha / float(rank); }
};

struct Adapter {
    AdapterShape shape;
    /** By layer, then by target; empty pairs where the shape leaves a target out. */
    std::vector<std::array<Pair, target_count>> layer;
    std::string architecture, base_sha256;
};

/**
 * A from a seed, B zero. A is uniform in ±1/√in (as PEFT starts it): Philox with the seed as key, the matrix's number
 * (layer · 7 + target) as stream, and the element's index / 4 as counter, word index % 4, mapped by
 * symmetric_uniform and multiplied once by float(1/√in). Every step is exact or rounded once in IEEE 754, so every
 * platform makes the same bits.
 */
Adapter seeded_adapter(const Model & model, const AdapterShape & shape, uint64_t seed);

Adapter load_adapter(const Ggml & ggml, const Model & model, const std::string & path);

/** What the card says; all of it becomes metadata under `argot.`. */
std::vector<uint8_t> encode_adapter(const Adapter & adapter, const Model & model, const std::string & base_sha256, const Json & card);

enum class Matrices { both, b, a };

/**
 * Raw little-endian float32 for federation, in this order: layers from the first to the last; in a layer q, k, v, o,
 * gate, up, down as far as the shape has them; of each first A (rank, in) by rows, then B (out, rank) by rows, as far
 * as `matrices` says.
 */
std::vector<float> flatten(const Adapter & adapter, Matrices matrices);
void unflatten(Adapter & adapter, Matrices matrices, const std::vector<float> & values, float scale, bool add);
int64_t parameter_count(const Model & model, const AdapterShape & shape, Matrices matrices);

} // namespace argot
