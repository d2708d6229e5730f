#include "network.h"

#include "layer.h"

#include <algorithm>
#include <cstring>
#include <type_traits>

namespace argot {

namespace {

template <typename Real>
using Sizes = std::vector<std::pair<Buffer<Real> *, int64_t>>;

template <typename Real>
Sizes<Real> sizes_of(const Network<Real> & net, Activations<Real> & act) {
    const Model & m = *net.model;
    const int64_t n = net.options.capacity, q = m.heads * m.head_width, kv = m.kv_heads * m.head_width;
    Sizes<Real> sizes = {{&act.q, n * q},           {&act.k, n * kv},        {&act.v, n * kv},           {&act.attended, n * q},
                         {&act.middle, n * m.width}, {&act.gate, n * m.feed_forward}, {&act.up, n * m.feed_forward}};
    if (m.architecture == "qwen3") sizes.insert(sizes.end(), {{&act.q_raw, n * q}, {&act.k_raw, n * kv}});
    int64_t padded = 0;
    for (const auto & layer : net.lora) {
        for (const auto & stack : layer) padded = std::max(padded, stack.padded);
    }
    for (auto & u : act.u) sizes.push_back({&u, n * padded});
    return sizes;
}

// The logits, and in their place what only the layer at hand needs: the head runs between the layers' ways there and back.
template <typename Real>
void allocate_logits(Network<Real> & net, const Sizes<Real> & of_layer) {
    constexpr int64_t line = 64 / sizeof(Real);
    const auto whole_lines = [](int64_t size) { return (size + line - 1) / line * line; };
    int64_t total = 0;
    for (const auto & [buffer, size] : of_layer) total += whole_lines(size);
    net.logits.resize(std::max(total, std::min(net.options.capacity, net.options.head_rows) * net.model->vocabulary));
    int64_t at = 0;
    for (const auto & [buffer, size] : of_layer) {
        buffer->lie_in(net.logits, at, size);
        at += whole_lines(size);
    }
}

template <typename Real>
struct Field {
    Real * values;
    int64_t count;
    /** Rounded to levels and steps as the forward product's bytes are, not to bfloat16. */
    bool to_bytes = false;

    int64_t rounded_bytes() const { return to_bytes ? count + count / byte_block * int64_t(sizeof(float)) : 2 * count; }
};

// A layer's input and all that is kept of it, of n tokens.
template <typename Real>
std::vector<Field<Real>> fields_of(const Network<Real> & net, size_t layer, Real * x, Activations<Real> & act, int64_t n) {
    const Model & m = *net.model;
    const int64_t q = m.heads * m.head_width, kv = m.kv_heads * m.head_width;
    const bool to_bytes = net.machine.bytes && m.feed_forward % byte_block == 0;
    std::vector<Field<Real>> fields = {
        {x, n * m.width},
        {act.q.data(), n * q},
        {act.k.data(), n * kv},
        {act.v.data(), n * kv},
        {act.attended.data(), n * q},
        {act.middle.data(), n * m.width},
        {act.gate.data(), n * m.feed_forward, to_bytes},
        {act.up.data(), n * m.feed_forward, to_bytes},
    };
    if (act.q_raw.size() > 0) fields.insert(fields.end(), {{act.q_raw.data(), n * q}, {act.k_raw.data(), n * kv}});
    for (size_t t = 0; t < target_count; t++) fields.push_back({act.u[t].data(), n * net.lora[layer][t].padded});
    return fields;
}

// Calls move(piece, its rounded form) for pieces of a layer's fields, which stand one behind the other in `rounded`.
template <typename Move>
void move_fields(Network<float> & net, size_t layer, float * x, int64_t n, const Move & move) {
    constexpr int64_t most = 16384;
    std::vector<std::pair<Field<float>, uint8_t *>> pieces;
    uint8_t * rounded = net.rounded[layer].data();
    for (const Field<float> & field : fields_of(net, layer, x, net.kept[0], n)) {
        for (int64_t from = 0; from < field.count; from += most) {
            const Field<float> piece = {field.values + from, std::min(most, field.count - from), field.to_bytes};
            pieces.push_back({piece, rounded});
            rounded += piece.rounded_bytes();
        }
    }
    net.machine.threads->run(int64_t(pieces.size()), [&](int64_t i, int) { move(pieces[size_t(i)].first, pieces[size_t(i)].second); });
}

// A piece in bytes: its levels, then its steps.
float * steps_of(const Field<float> & piece, uint8_t * rounded) { return reinterpret_cast<float *>(rounded + piece.count); }

template <typename Real>
void put_away(Network<Real> & net, size_t layer, Real * x, int64_t n) {
    if constexpr (std::is_same_v<Real, float>) {
        move_fields(net, layer, x, n, [&](const Field<float> & piece, uint8_t * rounded) {
            if (piece.to_bytes) net.machine.bytes->quantise(piece.count, piece.values, rounded, steps_of(piece, rounded), nullptr);
            else net.machine.half->convert(piece.count, piece.values, reinterpret_cast<uint16_t *>(rounded));
        });
    }
}

template <typename Real>
void take_out(Network<Real> & net, size_t layer, Real * x, int64_t n) {
    if constexpr (std::is_same_v<Real, float>) {
        move_fields(net, layer, x, n, [&](const Field<float> & piece, uint8_t * rounded) {
            if (piece.to_bytes) net.machine.bytes->widen(piece.count, rounded, steps_of(piece, rounded), piece.values);
            else net.machine.half->widen(piece.count, reinterpret_cast<const uint16_t *>(rounded), piece.values);
        });
    }
}

template <typename Real>
void allocate(Network<Real> & net, bool trains) {
    const Model & m = *net.model;
    const int64_t n = net.options.capacity;
    const bool keeps = trains && !net.options.checkpointing, rounds = keeps && net.machine.half;
    net.x.resize(trains && !rounds ? size_t(m.layers) + 1 : 2);
    for (auto & x : net.x) x.resize(n * m.width);
    net.kept.resize(keeps && !rounds ? size_t(m.layers) : 1);
    Sizes<Real> of_layer = {{&net.act, n * m.feed_forward}};
    for (auto & act : net.kept) {
        const Sizes<Real> sizes = sizes_of(net, act);
        if (!keeps || rounds) of_layer.insert(of_layer.end(), sizes.begin(), sizes.end());
        else for (const auto & [buffer, size] : sizes) buffer->resize(size);
    }
    if (trains) {
        const int64_t q = m.heads * m.head_width, kv = m.kv_heads * m.head_width;
        of_layer.insert(of_layer.end(), {{&net.d_act, n * m.feed_forward}, {&net.dq, n * q}, {&net.dk, n * kv}, {&net.dv, n * kv},
                                         {&net.d_attended, n * q}, {&net.dh, n * m.width}});
    }
    allocate_logits(net, of_layer);
    net.rounded.resize(rounds ? size_t(m.layers) : 0);
    for (size_t l = 0; l < net.rounded.size(); l++) {
        int64_t size = 0;
        for (const Field<Real> & field : fields_of(net, l, net.x[0].data(), net.kept[0], n)) size += field.rounded_bytes();
        net.rounded[l].resize(size);
    }
    net.h.resize(n * m.width);
    net.selected.resize(n * m.width);
    if (!trains) return;
    net.dx.resize(n * m.width);
    net.d_selected.resize(n * m.width);
}

template <typename Real>
void embed(Network<Real> & net, const Pack & pack, Real * x) {
    const int64_t width = net.model->width;
    std::vector<float> row(static_cast<size_t>(width));
    for (size_t i = 0; i < pack.tokens.size(); i++) {
        dequantise(net.model->embedding, pack.tokens[i], 0, width, row.data());
        std::copy(row.begin(), row.end(), x + int64_t(i) * width);
    }
}

// Losses of labels [first, last), whose logits then stand in net.logits.
template <typename Real>
void head_forward(Network<Real> & net, const Pack & pack, const Real * normed, size_t first, size_t last, std::vector<Real> & lse,
                  std::vector<double> & losses) {
    const Model & m = *net.model;
    const int64_t rows = int64_t(last - first);
    prepare_forward(net.machine, net.operand, normed + int64_t(first) * m.width, rows, m.width);
    multiply_forward(net.machine, Linear{m.head, {}}, net.operand, LowRank<Real>{}, net.logits.data());
    net.machine.threads->run(rows, [&](int64_t i, int) {
        const Real * row = net.logits.data() + i * m.vocabulary;
        lse[size_t(i)] = net.machine.kernels->log_sum_exp(m.vocabulary, row);
        losses[first + size_t(i)] = double(lse[size_t(i)]) - double(row[pack.labels[first + size_t(i)].token]);
    });
}

// Of the sum of a vocabulary's probabilities, what the least likely tokens may have together and still be left out of a gradient: as much
// as rounding to bfloat16, which has 8 bits of mantissa, may do to each.
constexpr float negligible = 1.0f / 256;

// net.chosen = the tokens that count in the gradient at the logits of `rows` labels from `first` on, in ascending order: all but those that
// are least likely, and some more to make their number even. Most of a vocabulary is so unlikely at each place of a text that its share in
// the product with the head can't be told from rounding. Erik Wijmans et al., Cut Your Losses in Large-Vocabulary Language Models (2024).
void choose_tokens(Network<float> & net, const Pack & pack, size_t first, int64_t rows, const std::vector<float> & lse) {
    const int64_t vocabulary = net.model->vocabulary;
    std::vector<float> & likely = net.likely;
    likely.assign(size_t(vocabulary), 0.0f);
    // Shared out by tokens, so that each token's sum is one thread's.
    over_rows(*net.machine.threads, vocabulary, 4096, [&](int64_t from, int64_t end, int) {
        for (int64_t i = 0; i < rows; i++) {
            net.machine.kernels->add_softmax(end - from, lse[size_t(i)], net.logits.data() + i * vocabulary + from, likely.data() + from);
        }
    });
    for (int64_t i = 0; i < rows; i++) likely[size_t(pack.labels[first + size_t(i)].token)] = 2.0f * float(rows);
    // By the leading bits of a float without its sign, which what is no number may have: eight bins to each power of two.
    std::vector<double> bins(1 << 11);
    const auto bin = [](float value) {
        uint32_t bits;
        std::memcpy(&bits, &value, sizeof bits);
        return bits >> 20 & 0x7ff;
    };
    for (const float value : likely) bins[bin(value)] += double(value);
    uint32_t least = 0;
    for (double left_out = bins[0]; left_out <= double(negligible) * double(rows); left_out += bins[least]) least++;
    net.chosen.clear();
    int32_t unchosen = -1;
    for (size_t t = 0; t < likely.size(); t++) {
        if (bin(likely[t]) >= least) net.chosen.push_back(int32_t(t));
        else unchosen = int32_t(t);
    }
    if (net.chosen.size() % 2 == 1) net.chosen.insert(std::lower_bound(net.chosen.begin(), net.chosen.end(), unchosen), unchosen);
}

// net.d_operand = the gradient at the logits of `rows` labels from `first` on, in the place of these logits.
template <typename Real>
void head_gradient(Network<Real> & net, const Pack & pack, size_t first, int64_t rows, const std::vector<Real> & lse) {
    const int64_t vocabulary = net.model->vocabulary;
    if constexpr (std::is_same_v<Real, float>) {
        if (backward_is_half(net.machine, net.model->head)) {
            choose_tokens(net, pack, first, rows, lse);
            const int64_t count = int64_t(net.chosen.size());
            net.gradient_row.resize(size_t(net.machine.threads->count()));
            const auto half_row = [&](int64_t i) { return reinterpret_cast<uint16_t *>(net.logits.data() + i * vocabulary); };
            net.machine.threads->run(rows, [&](int64_t i, int worker) {
                const Label & label = pack.labels[first + size_t(i)];
                std::vector<float> & d = net.gradient_row[size_t(worker)];
                d.resize(size_t(count));
                for (int64_t j = 0; j < count; j++) d[size_t(j)] = net.logits[i * vocabulary + net.chosen[size_t(j)]];
                const auto at = std::lower_bound(net.chosen.begin(), net.chosen.end(), label.token);
                net.machine.kernels->cross_entropy_backward(count, lse[size_t(i)], float(label.weight), at - net.chosen.begin(), d.data());
                net.machine.half->convert(count, d.data(), half_row(i));
            });
            net.d_operand.rows = rows;
            net.d_operand.cols = count;
            net.d_operand.chosen = net.chosen.data();
            net.d_operand.half = half_row(0);
            net.d_operand.half_stride = 2 * vocabulary;
            return;
        }
    }
    net.machine.threads->run(rows, [&](int64_t i, int) {
        const Label & label = pack.labels[first + size_t(i)];
        net.machine.kernels->cross_entropy_backward(vocabulary, lse[size_t(i)], Real(label.weight), label.token, net.logits.data() + i * vocabulary);
    });
    prepare(net.machine, net.d_operand, static_cast<const Real *>(net.logits.data()), rows, vocabulary);
}

// The head: norm, logits and losses of the label rows; where `d` is given, it receives the gradient at the last layer.
template <typename Real>
std::vector<double> head(Network<Real> & net, const Pack & pack, const Real * x, Real * d) {
    const Model & m = *net.model;
    const int64_t n = int64_t(pack.tokens.size());
    std::vector<double> losses(pack.labels.size());
    std::vector<Real> lse(size_t(net.options.head_rows));
    if (d) std::fill_n(d, n * m.width, Real(0));
    Buffer<Real> & normed = net.h;
    for (size_t i = 0; i < pack.labels.size(); i++) {
        std::copy_n(x + pack.labels[i].row * m.width, m.width, net.selected.data() + int64_t(i) * m.width);
    }
    norm_rows(net, net.selected.data(), m.output_norm, int64_t(pack.labels.size()), normed.data());
    for (size_t first = 0; first < pack.labels.size(); first += size_t(net.options.head_rows)) {
        const size_t last = std::min(pack.labels.size(), first + size_t(net.options.head_rows));
        const int64_t rows = int64_t(last - first);
        if (net.breathe) net.breathe();
        head_forward(net, pack, normed.data(), first, last, lse, losses);
        if (!d) continue;
        head_gradient(net, pack, first, rows, lse);
        net.head_multiplied += rows * net.d_operand.cols;
        net.head_whole += rows * m.vocabulary;
        multiply_backward(net.machine, m.head, net.d_operand, LowRank<Real>{}, net.d_selected.data(), false);
        for (int64_t i = 0; i < rows; i++) {
            const int64_t row = pack.labels[first + size_t(i)].row;
            net.machine.kernels->rms_norm_backward(m.width, x + row * m.width, m.output_norm.data(), Real(m.norm_epsilon),
                                                   net.d_selected.data() + i * m.width, d + row * m.width);
        }
    }
    return losses;
}

} // namespace

template <typename Real>
std::unique_ptr<Network<Real>> make_network(const Model & model, Machine<Real> machine, const NetworkOptions & options,
                                            const AdapterShape * trained, const std::vector<FrozenAdapter> & frozen) {
    auto net = std::make_unique<Network<Real>>();
    net->model = &model;
    net->machine = std::move(machine);
    net->options = options;
    if (trained) net->layout = parameter_layout(model, *trained);
    net->lora.resize(size_t(model.layers));
    for (size_t l = 0; l < net->lora.size(); l++) {
        for (size_t t = 0; t < target_count; t++) {
            const int64_t rank = trained && trained->targets[t] ? trained->rank : 0;
            net->lora[l][t] = stack_adapters<Real>(model.layer[l].linear[t].weight, int64_t(l), int64_t(t), rank, trained ? trained->scale() : 0, frozen);
        }
    }
    const RopeTable table = rope_table(model.rope, options.capacity);
    net->rope_cos.assign(table.cos.begin(), table.cos.end());
    net->rope_sin.assign(table.sin.begin(), table.sin.end());
    allocate(*net, trained != nullptr);
    return net;
}

template <typename Real>
void set_parameters(Network<Real> & net, const Real * parameters) {
    net.machine.threads->run(int64_t(net.layout.places.size()), [&](int64_t i, int) {
        const PairPlace & p = net.layout.places[size_t(i)];
        const Weight & w = net.model->layer[size_t(p.layer)].linear[size_t(p.target)].weight;
        set_trained(net.lora[size_t(p.layer)][size_t(p.target)], w, parameters + p.a, parameters + p.b);
    });
}

template <typename Real>
std::vector<double> evaluate(Network<Real> & net, const Pack & pack) {
    const float dropout = std::exchange(net.options.dropout, 0.0f);
    embed(net, pack, net.x[0].data());
    size_t from = 0;
    for (size_t l = 0; l < net.model->layer.size(); l++) {
        if (net.breathe) net.breathe();
        layer_forward(net, pack, l, net.x[from].data(), net.kept[0], net.x[1 - from].data());
        from = 1 - from;
    }
    net.options.dropout = dropout;
    return head(net, pack, net.x[from].data(), static_cast<Real *>(nullptr));
}

template <typename Real>
std::vector<double> forward_backward(Network<Real> & net, const Pack & pack, const std::vector<GradientSlot<Real>> & slots) {
    const size_t layers = net.model->layer.size();
    const int64_t n = int64_t(pack.tokens.size());
    const bool checkpointing = net.options.checkpointing, rounds = !net.rounded.empty();
    const auto x = [&](size_t l) { return net.x[rounds ? l % 2 : l].data(); };
    const auto kept = [&](size_t l) -> Activations<Real> & { return net.kept[net.kept.size() == 1 ? 0 : l]; };
    net.dropout_stream++;
    embed(net, pack, x(0));
    for (size_t l = 0; l < layers; l++) {
        if (net.breathe) net.breathe();
        layer_forward(net, pack, l, x(l), kept(l), x(l + 1));
        if (rounds) put_away(net, l, x(l), n);
    }
    std::vector<double> losses = head(net, pack, x(layers), net.dx.data());
    for (size_t l = layers; l-- > 0;) {
        if (net.breathe) net.breathe();
        if (rounds) take_out(net, l, x(l), n);
        // The layer's output is not needed any more: its buffer takes the one that the second forward pass makes.
        if (checkpointing) layer_forward(net, pack, l, x(l), kept(l), x(l + 1));
        layer_backward(net, pack, l, x(l), kept(l), net.dx.data(), slots);
    }
    return losses;
}

int64_t network_bytes(const Model & m, const NetworkOptions & o, int64_t rank, int threads, bool half, bool bytes) {
    const int64_t n = o.capacity, q = m.heads * m.head_width, kv = m.kv_heads * m.head_width, padded = (rank + 15) / 16 * 16;
    const int64_t widest = std::max({m.feed_forward, q, m.width});
    const int64_t one = n * (2 * q + 2 * kv + m.width + 2 * m.feed_forward + (m.architecture == "qwen3" ? q + kv : 0) + padded * target_count);
    const int64_t inputs = n * m.width * (m.layers + 1);
    // In bfloat16 two stand in the place of one; bytes, with a step to each block, take nine parts of 32.
    const int64_t in_bytes = bytes ? 2 * n * m.feed_forward * m.layers : 0;
    const int64_t rounded = (one * m.layers + inputs - in_bytes) / 2 + in_bytes * 9 / 32;
    const bool all = !o.checkpointing && !half;
    const int64_t kept = o.checkpointing ? inputs : half ? rounded : one * m.layers + inputs;
    const int64_t of_layer = n * (2 * m.feed_forward + 2 * q + 2 * kv + m.width) + (all ? 0 : one);
    const int64_t head = std::max(of_layer, std::min(n, o.head_rows) * m.vocabulary);
    const int64_t passing = n * 6 * m.width + n * widest; // with two operands of half the size
    int64_t adapters = 0; // beside a frozen one
    for (const Linear & l : m.layer[0].linear) adapters += rank * (l.weight.rows + l.weight.cols);
    const int64_t scratch = int64_t(threads) * (2 * 320 * 320 + 64 * n + 2 * m.head_width * n);
    // How likely each token is, those that count, and a row of theirs in each thread.
    const int64_t choosing = half ? (2 + int64_t(threads)) * m.vocabulary : 0;
    return int64_t(sizeof(float)) * (kept + passing + head + adapters * m.layers + scratch + choosing);
}

#define ARGOT_INSTANTIATE(Real)                                                                                              \
    template std::unique_ptr<Network<Real>> make_network(const Model &, Machine<Real>, const NetworkOptions &, const AdapterShape *, \
                                                         const std::vector<FrozenAdapter> &);                                \
    template void set_parameters(Network<Real> &, const Real *);                                                             \
    template std::vector<double> evaluate(Network<Real> &, const Pack &);                                                    \
    template std::vector<double> forward_backward(Network<Real> &, const Pack &, const std::vector<GradientSlot<Real>> &);
ARGOT_INSTANTIATE(float)
ARGOT_INSTANTIATE(double)
#undef ARGOT_INSTANTIATE

} // namespace argot
