// The whole decoder, forward and backward, for one pack of tokens. Real = float computes; Real = double checks.
#pragma once

#include "lora.h"

#include <functional>
#include <memory>

namespace argot {

/** A token whose prediction counts: `row` predicts `token`, and its loss is multiplied by `weight`. */
struct Label {
    int64_t row;
    int32_t token;
    double weight;
};

/** Examples side by side in one sequence, each attending to itself only. */
struct Pack {
    std::vector<int32_t> tokens;
    std::vector<Segment> segments;
    std::vector<Label> labels;
};

struct NetworkOptions {
    /** The longest pack. */
    int64_t capacity = 256;
    /** Keep each layer's input only, and compute the rest again on the way back. */
    bool checkpointing = false;
    /** Label rows whose logits are held at once. */
    int64_t head_rows = 256;
    Trains trains;
    float dropout = 0;
    uint64_t dropout_seed = 0;
};

/** What a layer's way back needs of its way there. */
template <typename Real>
struct Activations {
    Buffer<Real> q, k, v, attended, middle, gate, up;
    /** Before the per-head norm; qwen3 only. */
    Buffer<Real> q_raw, k_raw;
    std::array<Buffer<Real>, target_count> u;
};

template <typename Real>
struct Network {
    const Model * model;
    Machine<Real> machine;
    NetworkOptions options;
    ParameterLayout layout;
    std::vector<std::array<LoraStack<Real>, target_count>> lora;
    /** Called between layers by the thread that computes: it may wait (pause) or throw (cancel). */
    std::function<void()> breathe;

    std::vector<Real> rope_cos, rope_sin;
    /** Input of each layer, and the output of the last: layers + 1 of (n, width); two by turns where no layer's is needed later. */
    std::vector<Buffer<Real>> x;
    /** Of each layer, or of the one at hand. */
    std::vector<Activations<Real>> kept;
    /**
     * Where the machine multiplies bfloat16: input and activations of each layer, rounded as its products round them; to bytes what the
     * feed-forward part is wide, most of all, where it multiplies those.
     */
    std::vector<Buffer<uint8_t>> rounded;
    Buffer<Real> h, act, d_act, dq, dk, dv, d_attended, dh, dx, selected, d_selected, logits;
    Operand<Real> operand, d_operand;
    /** Tokens that count in the gradient at the logits at hand, and what chooses them: sums of probabilities, and a row for each thread. */
    std::vector<int32_t> chosen;
    std::vector<float> likely;
    std::vector<std::vector<float>> gradient_row;
    /** Of the head's way back: elements of the gradient at the logits that were multiplied, and all that there are, since the last reset. */
    int64_t head_multiplied = 0, head_whole = 0;
    AttentionScratch<Real> attention;
    LoraScratch<Real> lora_scratch;
    /** Counts packs, so that each gets its own dropout mask. */
    uint64_t dropout_stream = 0;
};

/** `trained` may be null: then nothing trains. Buffers are allocated here, once. */
template <typename Real>
std::unique_ptr<Network<Real>> make_network(const Model & model, Machine<Real> machine, const NetworkOptions & options,
                                            const AdapterShape * trained, const std::vector<FrozenAdapter> & frozen);

/** The parameters must stay where they are until others are set. */
template <typename Real>
void set_parameters(Network<Real> & network, const Real * parameters);

/** Negative log-likelihood of each label, unweighted, in nats. */
template <typename Real>
std::vector<double> evaluate(Network<Real> & network, const Pack & pack);

/** As `evaluate`, and adds the gradient of Σ weight · nll to the slots; they cover the pack's tokens. */
template <typename Real>
std::vector<double> forward_backward(Network<Real> & network, const Pack & pack, const std::vector<GradientSlot<Real>> & slots);

/** Bytes that make_network allocates, without the weights. */
int64_t network_bytes(const Model & model, const NetworkOptions & options, int64_t rank, int threads, bool half, bool bytes);

} // namespace argot
