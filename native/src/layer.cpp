#include "layer.h"

#include <algorithm>
#include <cmath>

namespace argot {

namespace {

constexpr int64_t row_grain = 16;

template <typename Real>
Dropout dropout_of(const Network<Real> & net, size_t layer, size_t target) {
    return {net.options.dropout, net.options.dropout_seed, (net.dropout_stream << 16) | (layer * target_count + target)};
}

// y = x · (W + adapters) + bias for one of the layer's matrices; net.operand holds x.
template <typename Real>
void linear_forward(Network<Real> & net, size_t layer, Target target, Activations<Real> & act, Real * y) {
    const LoraStack<Real> & stack = net.lora[layer][target];
    Real * u = act.u[target].data();
    lora_forward(net.machine, stack, net.operand, dropout_of(net, layer, target), u, net.lora_scratch);
    const Linear & linear = net.model->layer[layer].linear[target];
    const LowRank<Real> low =
        low_rank(net.machine, net.lora_scratch, static_cast<const Real *>(u), net.operand.rows, stack.padded, stack.b_transposed, 0, stack.rank, linear.weight.rows);
    multiply_forward(net.machine, linear, net.operand, low, y);
}

template <typename Real>
void linear_back(Network<Real> & net, size_t layer, Target target, Activations<Real> & act, const Real * x, const Real * dy, int64_t rows,
                 const std::vector<GradientSlot<Real>> & slots, Real * dx, bool accumulate) {
    const Weight & w = net.model->layer[layer].linear[target].weight;
    const PairPlace * place = nullptr;
    for (const PairPlace & p : net.layout.places) {
        if (p.layer == int64_t(layer) && p.target == target) place = &p;
    }
    prepare(net.machine, net.d_operand, dy, rows, w.rows);
    linear_backward(net.machine, w, net.lora[layer][target], place, net.options.trains, x, act.u[target].data(), net.d_operand,
                    dropout_of(net, layer, target), slots, dx, accumulate, net.lora_scratch);
}

template <typename Real>
void norm_rows_backward(Network<Real> & net, const Real * x, const std::vector<float> & weight, int64_t rows, const Real * dy, Real * dx) {
    const int64_t n = int64_t(weight.size());
    over_rows(*net.machine.threads, rows, row_grain, [&](int64_t first, int64_t last, int) {
        for (int64_t i = first; i < last; i++) {
            net.machine.kernels->rms_norm_backward(n, x + i * n, weight.data(), Real(net.model->norm_epsilon), dy + i * n, dx + i * n);
        }
    });
}

// Turns each head of each row by its position in its segment; direction -1 is the transpose, for gradients.
template <typename Real>
void rotate(Network<Real> & net, const Pack & pack, Real * rows, int64_t heads, Real direction) {
    const Rope & rope = net.model->rope;
    const int64_t half = rope.dimensions / 2, width = net.model->head_width;
    const int64_t step = rope.halves ? 1 : 2, partner = rope.halves ? half : 1;
    net.machine.threads->run(int64_t(pack.segments.size()) * heads, [&](int64_t index, int) {
        const Segment & segment = pack.segments[size_t(index / heads)];
        for (int64_t p = 0; p < segment.length; p++) {
            const Real * cosines = net.rope_cos.data() + p * half, * sines = net.rope_sin.data() + p * half;
            Real * head = rows + ((segment.start + p) * heads + index % heads) * width;
            for (int64_t i = 0; i < half; i++) {
                Real & a = head[i * step], & b = head[i * step + partner];
                const Real c = cosines[i], s = sines[i] * direction, turned = a * c - b * s;
                b = a * s + b * c;
                a = turned;
            }
        }
    });
}

template <typename Real>
void add_rows(Network<Real> & net, int64_t count, const Real * x, Real * y) {
    over_rows(*net.machine.threads, count, 16384, [&](int64_t first, int64_t last, int) {
        net.machine.kernels->add(last - first, x + first, y + first);
    });
}

template <typename Real>
AttentionShape<Real> attention_shape(const Model & m) {
    return {m.heads, m.kv_heads, m.head_width, Real(1 / std::sqrt(double(m.head_width)))};
}

template <typename Real>
void swiglu_rows(Network<Real> & net, int64_t count, const Activations<Real> & act, Real * out) {
    over_rows(*net.machine.threads, count, 8192, [&](int64_t first, int64_t last, int) {
        net.machine.kernels->swiglu(last - first, act.gate.data() + first, act.up.data() + first, out + first);
    });
}

} // namespace

template <typename Real>
void norm_rows(Network<Real> & net, const Real * x, const std::vector<float> & weight, int64_t rows, Real * y) {
    const int64_t n = int64_t(weight.size());
    over_rows(*net.machine.threads, rows, row_grain, [&](int64_t first, int64_t last, int) {
        for (int64_t i = first; i < last; i++) {
            net.machine.kernels->rms_norm(n, x + i * n, weight.data(), Real(net.model->norm_epsilon), y + i * n);
        }
    });
}

template <typename Real>
void layer_forward(Network<Real> & net, const Pack & pack, size_t index, const Real * x, Activations<Real> & act, Real * y) {
    const Model & m = *net.model;
    const Layer & layer = m.layer[index];
    const int64_t n = int64_t(pack.tokens.size());

    norm_rows(net, x, layer.attention_norm, n, net.h.data());
    prepare_forward(net.machine, net.operand, net.h.data(), n, m.width);
    const bool head_norm = !layer.q_norm.empty();
    linear_forward(net, index, target_q, act, head_norm ? act.q_raw.data() : act.q.data());
    linear_forward(net, index, target_k, act, head_norm ? act.k_raw.data() : act.k.data());
    linear_forward(net, index, target_v, act, act.v.data());
    if (head_norm) {
        norm_rows(net, act.q_raw.data(), layer.q_norm, n * m.heads, act.q.data());
        norm_rows(net, act.k_raw.data(), layer.k_norm, n * m.kv_heads, act.k.data());
    }
    rotate(net, pack, act.q.data(), m.heads, Real(1));
    rotate(net, pack, act.k.data(), m.kv_heads, Real(1));
    attention_forward(net.machine, attention_shape<Real>(m), pack.segments, act.q.data(), act.k.data(), act.v.data(), act.attended.data(), net.attention);

    prepare_forward(net.machine, net.operand, act.attended.data(), n, m.heads * m.head_width);
    linear_forward(net, index, target_o, act, act.middle.data());
    add_rows(net, n * m.width, x, act.middle.data());

    norm_rows(net, act.middle.data(), layer.feed_forward_norm, n, net.h.data());
    prepare_forward(net.machine, net.operand, net.h.data(), n, m.width);
    linear_forward(net, index, target_gate, act, act.gate.data());
    linear_forward(net, index, target_up, act, act.up.data());
    swiglu_rows(net, n * m.feed_forward, act, net.act.data());
    prepare_forward(net.machine, net.operand, net.act.data(), n, m.feed_forward);
    linear_forward(net, index, target_down, act, y);
    add_rows(net, n * m.width, act.middle.data(), y);
}

template <typename Real>
void layer_backward(Network<Real> & net, const Pack & pack, size_t index, const Real * x, Activations<Real> & act, Real * d,
                    const std::vector<GradientSlot<Real>> & slots) {
    const Model & m = *net.model;
    const Layer & layer = m.layer[index];
    const int64_t n = int64_t(pack.tokens.size());
    Real * dh = net.dh.data();

    // Feed-forward: d is dy, and grows into the gradient at `middle`.
    swiglu_rows(net, n * m.feed_forward, act, net.act.data());
    linear_back(net, index, target_down, act, net.act.data(), d, n, slots, net.d_act.data(), false);
    over_rows(*net.machine.threads, n * m.feed_forward, 8192, [&](int64_t first, int64_t last, int) {
        net.machine.kernels->swiglu_backward(last - first, net.d_act.data() + first, act.gate.data() + first, act.up.data() + first);
    });
    norm_rows(net, act.middle.data(), layer.feed_forward_norm, n, net.h.data());
    linear_back(net, index, target_gate, act, net.h.data(), act.gate.data(), n, slots, dh, false);
    linear_back(net, index, target_up, act, net.h.data(), act.up.data(), n, slots, dh, true);
    norm_rows_backward(net, act.middle.data(), layer.feed_forward_norm, n, dh, d);

    // Attention: d is the gradient at `middle`, and grows into that at x.
    linear_back(net, index, target_o, act, act.attended.data(), d, n, slots, net.d_attended.data(), false);
    Real * dq = net.dq.data(), * dk = net.dk.data(), * dv = net.dv.data();
    attention_backward(net.machine, attention_shape<Real>(m), pack.segments, act.q.data(), act.k.data(), act.v.data(), net.d_attended.data(), dq, dk, dv,
                       net.attention);
    rotate(net, pack, dq, m.heads, Real(-1));
    rotate(net, pack, dk, m.kv_heads, Real(-1));
    if (!layer.q_norm.empty()) {
        // act.q and act.k are no longer needed: they receive the gradients before the norms.
        std::fill_n(act.q.data(), n * m.heads * m.head_width, Real(0));
        std::fill_n(act.k.data(), n * m.kv_heads * m.head_width, Real(0));
        norm_rows_backward(net, act.q_raw.data(), layer.q_norm, n * m.heads, dq, act.q.data());
        norm_rows_backward(net, act.k_raw.data(), layer.k_norm, n * m.kv_heads, dk, act.k.data());
        dq = act.q.data();
        dk = act.k.data();
    }
    norm_rows(net, x, layer.attention_norm, n, net.h.data());
    Real * input = index == 0 ? nullptr : dh;
    linear_back(net, index, target_q, act, net.h.data(), dq, n, slots, input, false);
    linear_back(net, index, target_k, act, net.h.data(), dk, n, slots, input, true);
    linear_back(net, index, target_v, act, net.h.data(), dv, n, slots, input, true);
    if (input) norm_rows_backward(net, x, layer.attention_norm, n, dh, d);
}

#define ARGOT_INSTANTIATE(Real)                                                                                              \
    template void norm_rows(Network<Real> &, const Real *, const std::vector<float> &, int64_t, Real *);                     \
    template void layer_forward(Network<Real> &, const Pack &, size_t, const Real *, Activations<Real> &, Real *);           \
    template void layer_backward(Network<Real> &, const Pack &, size_t, const Real *, Activations<Real> &, Real *, const std::vector<GradientSlot<Real>> &);
ARGOT_INSTANTIATE(float)
ARGOT_INSTANTIATE(double)
#undef ARGOT_INSTANTIATE

} // namespace argot
