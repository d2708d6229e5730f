// A decoder of the llama family, as views into its GGUF file. Names of tensors and keys are llama.cpp's.
#pragma once

#include "gguf.h"

#include <array>
#include <string>
#include <vector>

namespace argot {

/** The seven matrices of a layer that LoRA may adapt, in the order in which deltas are exported. */
enum Target { target_q, target_k, target_v, target_o, target_gate, target_up, target_down, target_count };
extern const std::array<const char *, target_count> target_names;
/** GGUF's names, such as "attn_q". */
extern const std::array<const char *, target_count> target_tensors;

/** A matrix (rows, cols) = (out, in); each row is whole blocks of its type. */
struct Weight {
    const uint8_t * data;
    ggml_type type;
    int64_t rows, cols;
    /** Elements that are encoded together; 1 for plain numbers. */
    int64_t block;
    size_t block_bytes;
    /** Null for float32. */
    ggml_to_float_t to_float;
};

/** dst[0..n) = elements [from, from + n) of a row; both multiples of the block. Exact, as ggml decodes them. */
void dequantise(const Weight & weight, int64_t row, int64_t from, int64_t n, float * dst);

struct Linear {
    Weight weight;
    std::vector<float> bias;
};

struct Layer {
    std::vector<float> attention_norm, feed_forward_norm;
    /** Per-head norms of qwen3; empty elsewhere. */
    std::vector<float> q_norm, k_norm;
    std::array<Linear, target_count> linear;
};

struct Rope {
    /** True: dimension i turns with i + n/2 (qwen); false: with i + 1 (llama). */
    bool halves;
    int64_t dimensions;
    double base, scale;
    /** YaRN (https://arxiv.org/abs/2309.00071); 0 switches it off. */
    double extrapolation, magnitude;
    int64_t original_context;
    std::vector<float> factors;
};

struct Model {
    Gguf gguf;
    std::string path, architecture, name;
    int64_t layers, width, heads, kv_heads, head_width, feed_forward, vocabulary, context;
    float norm_epsilon;
    Rope rope;
    bool tied;
    Weight embedding, head;
    std::vector<float> output_norm;
    std::vector<Layer> layer;
};

/** Refuses, by the name of the key or tensor, whatever the forward pass would not compute as llama.cpp does. */
Model load_model(const Ggml & ggml, const std::string & path);

/** Cosines and sines (positions, dimensions / 2) of the rotation. */
struct RopeTable {
    std::vector<double> cos, sin;
};
RopeTable rope_table(const Rope & rope, int64_t positions);

} // namespace argot
