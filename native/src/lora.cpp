#include "lora.h"

#include "random.h"

#include <algorithm>
#include <type_traits>

namespace argot {

ParameterLayout parameter_layout(const Model & model, const AdapterShape & shape) {
    ParameterLayout layout;
    layout.rank = shape.rank;
    for (int64_t l = 0; l < model.layers; l++) {
        for (int64_t t = 0; t < target_count; t++) {
            if (!shape.targets[size_t(t)]) continue;
            const Weight & w = model.layer[size_t(l)].linear[size_t(t)].weight;
            layout.places.push_back({l, t, layout.total, layout.total + shape.rank * w.cols, w.cols, w.rows});
            layout.total += shape.rank * (w.cols + w.rows);
        }
    }
    return layout;
}

std::vector<float> gather(const Adapter & adapter, const ParameterLayout & layout) {
    std::vector<float> parameters(size_t(layout.total));
    for (const PairPlace & p : layout.places) {
        const Pair & pair = adapter.layer[size_t(p.layer)][size_t(p.target)];
        std::copy(pair.a.begin(), pair.a.end(), parameters.begin() + p.a);
        std::copy(pair.b_transposed.begin(), pair.b_transposed.end(), parameters.begin() + p.b);
    }
    return parameters;
}

void scatter(const std::vector<float> & parameters, const ParameterLayout & layout, Adapter & adapter) {
    for (const PairPlace & p : layout.places) {
        Pair & pair = adapter.layer[size_t(p.layer)][size_t(p.target)];
        pair.a.assign(parameters.begin() + p.a, parameters.begin() + p.a + layout.rank * p.in);
        pair.b_transposed.assign(parameters.begin() + p.b, parameters.begin() + p.b + layout.rank * p.out);
    }
}

namespace {

// Writes adapter rows a (rank, in) and bᵀ (rank, out) into the stack, from row `at` on.
template <typename Real, typename Source>
void place_rows(LoraStack<Real> & stack, const Weight & w, int64_t at, int64_t rank, const Source * a, const Source * b_transposed) {
    std::copy_n(a, rank * w.cols, stack.beside_a.data() + at * w.cols);
    std::copy_n(b_transposed, rank * w.rows, stack.beside_b.data() + at * w.rows);
}

} // namespace

template <typename Real>
LoraStack<Real> stack_adapters(const Weight & w, int64_t layer, int64_t target, int64_t trained, float trained_scale,
                               const std::vector<FrozenAdapter> & frozen) {
    LoraStack<Real> stack;
    stack.trained = trained;
    stack.rank = trained;
    for (const FrozenAdapter & f : frozen) {
        if (f.adapter.shape.targets[size_t(target)]) stack.rank += f.adapter.shape.rank;
    }
    if (stack.rank == 0) return stack;
    stack.padded = (stack.rank + 15) / 16 * 16;
    stack.scale.assign(size_t(stack.padded), Real(0));
    std::fill_n(stack.scale.begin(), trained, Real(trained_scale));
    if (stack.rank == trained) return stack;
    stack.beside_a.resize(stack.rank * w.cols);
    stack.beside_b.resize(stack.rank * w.rows);
    stack.beside_a.clear();
    stack.beside_b.clear();
    stack.a = stack.beside_a.data();
    stack.b_transposed = stack.beside_b.data();
    int64_t at = trained;
    for (const FrozenAdapter & f : frozen) {
        if (!f.adapter.shape.targets[size_t(target)]) continue;
        const Pair & pair = f.adapter.layer[size_t(layer)][size_t(target)];
        place_rows(stack, w, at, f.adapter.shape.rank, pair.a.data(), pair.b_transposed.data());
        std::fill_n(stack.scale.begin() + at, f.adapter.shape.rank, Real(f.adapter.shape.scale() * f.scale));
        at += f.adapter.shape.rank;
    }
    return stack;
}

template <typename Real>
void set_trained(LoraStack<Real> & stack, const Weight & w, const Real * a, const Real * b_transposed) {
    if (stack.rank > stack.trained) return place_rows(stack, w, 0, stack.trained, a, b_transposed);
    stack.a = a;
    stack.b_transposed = b_transposed;
}

namespace {

// out = x with elements zeroed at the dropout's rate and the rest scaled up. Row-major index / 4 is the counter.
template <typename Real>
void apply_dropout(Machine<Real> & machine, const Dropout & dropout, const Real * x, int64_t rows, int64_t cols, Real * out) {
    const Real keep = Real(1 / (1 - double(dropout.rate)));
    over_rows(*machine.threads, rows, 8, [&](int64_t first, int64_t last, int) {
        std::array<uint32_t, 4> bits{};
        for (int64_t i = first * cols; i < last * cols; i++) {
            if (i % 4 == 0 || i == first * cols) bits = philox(dropout.seed, dropout.stream, uint64_t(i / 4));
            out[i] = unit_uniform(bits[size_t(i % 4)]) < dropout.rate ? Real(0) : x[i] * keep;
        }
    });
}

template <typename Real>
void grow(Buffer<Real> & buffer, int64_t n) {
    if (buffer.size() < n) buffer.resize(n);
}

// scratch.turned or turned_half (cols, padded) = rows (rank, cols) transposed, with zeros behind the rank.
template <typename Real>
void turn(Machine<Real> & machine, const Real * rows, int64_t rank, int64_t cols, int64_t padded, LoraScratch<Real> & scratch) {
    if constexpr (std::is_same_v<Real, float>) {
        if (machine.half && cols % 2 == 0) {
            grow(scratch.turned_half, cols * padded);
            machine.half->pack_rows(rank, cols, rows, cols, scratch.turned_half.data(), padded);
            return;
        }
    }
    grow(scratch.turned, cols * padded);
    for (int64_t i = 0; i < cols; i++) {
        for (int64_t r = 0; r < padded; r++) scratch.turned[i * padded + r] = r < rank ? rows[r * cols + i] : Real(0);
    }
}

// c (n, padded) = scale · x (n, depth) · the matrix that was turned last.
template <typename Real>
void thin_product(Machine<Real> & machine, const LoraStack<Real> & stack, const Operand<Real> & x, const LoraScratch<Real> & scratch, Real * c) {
    const int64_t padded = stack.padded;
    const bool half = machine.half && x.cols % 2 == 0;
    over_rows(*machine.threads, x.rows, 48, [&](int64_t first, int64_t last, int) {
        const int64_t rows = last - first;
        Real * out = c + first * padded;
        if (half) {
            if constexpr (std::is_same_v<Real, float>)
                machine.half->gemm(rows, padded, x.cols, x.half + first * x.half_stride, x.half_stride, scratch.turned_half.data(), padded, out, padded, false);
        } else {
            machine.kernels->gemm(rows, padded, x.cols, x.data + first * x.cols, x.cols, 1, scratch.turned.data(), padded, out, padded, false);
        }
        for (int64_t i = 0; i < rows; i++) {
            for (int64_t r = 0; r < padded; r++) out[i * padded + r] *= stack.scale[size_t(r)];
        }
    });
}

} // namespace

template <typename Real>
LowRank<Real> low_rank(Machine<Real> & machine, LoraScratch<Real> & scratch, const Real * left, int64_t n, int64_t stride, const Real * right,
                       int64_t skipped, int64_t rank, int64_t columns) {
    if (rank <= skipped) return {};
    prepare(machine, scratch.low, left, n, stride);
    LowRank<Real> low = {left + skipped, right + skipped * columns, rank - skipped, stride, nullptr};
    // Pairs begin at even places, and the zeros behind the rank must be there to fill the last one.
    if (machine.half && skipped % 2 == 0) low.half = scratch.low.half + skipped;
    return low;
}

template <typename Real>
void lora_forward(Machine<Real> & machine, const LoraStack<Real> & stack, const Operand<Real> & x, const Dropout & dropout, Real * u,
                  LoraScratch<Real> & scratch) {
    if (stack.rank == 0) return;
    turn(machine, stack.a, stack.rank, x.cols, stack.padded, scratch);
    thin_product(machine, stack, x, scratch, u);
    if (dropout.rate == 0 || stack.trained == 0) return;
    grow(scratch.dropped, x.rows * x.cols);
    grow(scratch.u_dropped, x.rows * stack.padded);
    apply_dropout(machine, dropout, x.data, x.rows, x.cols, scratch.dropped.data());
    prepare(machine, scratch.dropped_operand, static_cast<const Real *>(scratch.dropped.data()), x.rows, x.cols);
    thin_product(machine, stack, scratch.dropped_operand, scratch, scratch.u_dropped.data());
    for (int64_t n = 0; n < x.rows; n++) {
        std::copy_n(scratch.u_dropped.data() + n * stack.padded, stack.trained, u + n * stack.padded);
    }
}

template <typename Real>
void linear_backward(Machine<Real> & machine, const Weight & w, const LoraStack<Real> & stack, const PairPlace * place, Trains trains,
                     const Real * x, const Real * u, const Operand<Real> & dy, const Dropout & dropout,
                     const std::vector<GradientSlot<Real>> & slots, Real * dx, bool accumulate, LoraScratch<Real> & scratch) {
    const Kernels<Real> & k = *machine.kernels;
    const int64_t n = dy.rows, ld = stack.padded;
    const bool drops = dropout.rate > 0 && stack.trained > 0;
    if (stack.rank > 0) {
        grow(scratch.du, n * ld);
        turn(machine, stack.b_transposed, stack.rank, w.rows, stack.padded, scratch);
        thin_product(machine, stack, dy, scratch, scratch.du.data());
    }
    const Real * du = scratch.du.data();
    if (place) {
        const Real * input = x;
        if (drops) {
            grow(scratch.dropped, n * w.cols);
            apply_dropout(machine, dropout, x, n, w.cols, scratch.dropped.data());
            input = scratch.dropped.data();
        }
        // Shared out by columns, so that each element's sum over tokens is one thread's.
        constexpr int64_t grain = 192;
        const int64_t a_tasks = trains.a ? (w.cols + grain - 1) / grain : 0, b_tasks = trains.b ? (w.rows + grain - 1) / grain : 0;
        machine.threads->run(a_tasks + b_tasks, [&](int64_t task, int) {
            for (const GradientSlot<Real> & slot : slots) {
                if (task < a_tasks) {
                    const int64_t column = task * grain, columns = std::min(grain, w.cols - column);
                    k.gemm(stack.trained, columns, slot.length, du + slot.start * ld, 1, ld, input + slot.start * w.cols + column, w.cols,
                           slot.gradient + place->a + column, w.cols, true);
                } else {
                    const int64_t column = (task - a_tasks) * grain, columns = std::min(grain, w.rows - column);
                    k.gemm(stack.trained, columns, slot.length, u + slot.start * ld, 1, ld, dy.data + slot.start * w.rows + column, w.rows,
                           slot.gradient + place->b + column, w.rows, true);
                }
            }
        });
    }
    if (!dx) return;
    const LowRank<Real> low = low_rank(machine, scratch, du, n, ld, stack.a, drops ? stack.trained : 0, stack.rank, w.cols);
    multiply_backward(machine, w, dy, low, dx, accumulate);
    if (!drops) return;
    grow(scratch.masked, n * w.cols);
    Real * masked = scratch.masked.data();
    over_rows(*machine.threads, n, 32, [&](int64_t first, int64_t last, int) {
        k.gemm(last - first, w.cols, stack.trained, du + first * ld, ld, 1, stack.a, w.cols, masked + first * w.cols, w.cols, false);
    });
    apply_dropout(machine, dropout, masked, n, w.cols, masked);
    over_rows(*machine.threads, n, 32, [&](int64_t first, int64_t last, int) {
        k.add((last - first) * w.cols, masked + first * w.cols, dx + first * w.cols);
    });
}

#define ARGOT_INSTANTIATE(Real)                                                                                              \
    template LoraStack<Real> stack_adapters(const Weight &, int64_t, int64_t, int64_t, float, const std::vector<FrozenAdapter> &); \
    template void set_trained(LoraStack<Real> &, const Weight &, const Real *, const Real *);                                                       \
    template LowRank<Real> low_rank(Machine<Real> &, LoraScratch<Real> &, const Real *, int64_t, int64_t, const Real *, int64_t, int64_t, int64_t); \
    template void lora_forward(Machine<Real> &, const LoraStack<Real> &, const Operand<Real> &, const Dropout &, Real *, LoraScratch<Real> &); \
    template void linear_backward(Machine<Real> &, const Weight &, const LoraStack<Real> &, const PairPlace *, Trains, const Real *, \
                                  const Real *, const Operand<Real> &, const Dropout &, const std::vector<GradientSlot<Real>> &, Real *, bool, \
                                  LoraScratch<Real> &);
ARGOT_INSTANTIATE(float)
ARGOT_INSTANTIATE(double)
#undef ARGOT_INSTANTIATE

} // namespace argot
