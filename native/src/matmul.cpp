#include "matmul.h"

#include "offload.h"

#include <algorithm>
#include <type_traits>

namespace argot {

namespace {

// A panel has 64 columns; so many of the summed dimension keep it near the first-level cache. On the way back it has 128, or one block of a
// K-quant, since a piece of a row is then two lines of memory or more, and a line that two panels share is fetched twice.
constexpr int64_t panel_columns = 64, backward_columns = 128, panel_depth = 320, decode_rows = 16;
constexpr int64_t levels_stride = (panel_depth + 63) / 64 * 64;

// The summed dimension is cut into pieces of about the same size, since each costs a pass over the result: 576 into two.
int64_t piece_of(int64_t total, int64_t block, int64_t most) {
    const int64_t unit = std::max<int64_t>(block, 32), largest = most / unit * unit, pieces = (total + largest - 1) / largest;
    return (total + pieces * unit - 1) / (pieces * unit) * unit;
}

struct Task {
    int64_t panel, first, last;
};

// One task for each panel; panels that don't divide among the threads are shared by all of them, by tokens.
std::vector<Task> share(int64_t panels, int64_t rows, int64_t threads) {
    std::vector<Task> tasks;
    const int64_t whole = panels - panels % threads;
    for (int64_t p = 0; p < panels; p++) {
        const int64_t parts = p < whole ? 1 : std::min(threads, rows);
        for (int64_t i = 0; i < parts; i++) tasks.push_back({p, rows * i / parts, rows * (i + 1) / parts});
    }
    return tasks;
}

// c += low.left · low.right for one task's rows and columns.
template <typename Real>
void add_low_rank(const Machine<Real> & machine, typename Machine<Real>::Scratch & s, const LowRank<Real> & low, const Task & task,
                  int64_t column, int64_t columns, int64_t ld_right, Real * c) {
    if (low.rank == 0) return;
    const int64_t rows = task.last - task.first;
    if constexpr (std::is_same_v<Real, float>) {
        if (low.half && columns % 16 == 0 && low.rank <= panel_depth) {
            // An odd rank is padded by the zeros that stand behind it in `left`.
            const int64_t depth = (low.rank + 1) / 2 * 2;
            machine.half->pack_columns(low.rank, columns, low.right + column, ld_right, s.half_panel.data(), columns);
            machine.half->gemm(rows, columns, depth, low.half + task.first * low.stride, low.stride, s.half_panel.data(), columns, c, ld_right, true);
            return;
        }
    }
    machine.kernels->gemm(rows, columns, low.rank, low.left + task.first * low.stride, low.stride, 1, low.right + column, ld_right, c, ld_right, true);
}

template <typename Real>
bool can_halve(const Machine<Real> & machine, int64_t depth, int64_t columns) {
    return machine.half && depth % 2 == 0 && columns % 16 == 0;
}

// Calls decode(i, row_at(i)) for [0, rows), when elements [from, from + n) of that row are in the cache: rows lie apart in memory, where
// no prefetcher expects them, and waiting for each would take most of the time that decoding takes.
template <typename RowAt, typename Decode>
void in_order(const Weight & w, int64_t rows, const RowAt & row_at, int64_t from, int64_t n, const Decode & decode) {
    const int64_t bytes = n / w.block * int64_t(w.block_bytes), ahead = std::max<int64_t>(4, 1536 / bytes);
    // Inline always: GCC takes a function that only prefetches for one without effect, and drops the call.
    const auto fetch = [&](int64_t i) __attribute__((always_inline)) {
        const uint8_t * p = w.data + size_t(row_at(i) * (w.cols / w.block) + from / w.block) * w.block_bytes;
        for (int64_t b = 0; b < bytes; b += 64) __builtin_prefetch(p + b);
        __builtin_prefetch(p + bytes - 1);
    };
    for (int64_t i = 0; i < std::min(rows, ahead); i++) fetch(i);
    for (int64_t i = 0; i < rows; i++) {
        if (i + ahead < rows) fetch(i + ahead);
        decode(i, row_at(i));
    }
}

// panel (depth, columns) of Real from weight rows [row, row + columns), elements [from, from + depth): transposed.
template <typename Real>
void decode_forward(Machine<Real> & machine, typename Machine<Real>::Scratch & s, const Weight & w, int64_t row, int64_t columns,
                    int64_t from, int64_t depth, bool half) {
    in_order(w, columns, [row](int64_t i) { return row + i; }, from, depth, [&](int64_t i, int64_t at) {
        dequantise(w, at, from, depth, s.rows.data() + i % decode_rows * panel_depth);
        if ((i + 1) % decode_rows != 0 && i + 1 < columns) return;
        const int64_t r = i - i % decode_rows, n = i + 1 - r;
        if (half) machine.half->pack_rows(n, depth, s.rows.data(), panel_depth, s.half_panel.data() + r * 2, panel_columns);
        else machine.kernels->transpose(n, depth, s.rows.data(), panel_depth, s.panel.data() + r, panel_columns);
    });
}

// The same as bytes: see BytePanel.
BytePanel decode_bytes(const ByteKernels & bytes, const ByteFormat & format, typename Machine<float>::Scratch & s, const Weight & w, int64_t row,
                       int64_t columns, int64_t from, int64_t depth) {
    in_order(w, columns, [row](int64_t i) { return row + i; }, from, depth, [&](int64_t i, int64_t at) {
        const uint8_t * src = w.data + size_t(at * (w.cols / w.block) + from / w.block) * w.block_bytes;
        format.decode(src, depth, s.levels.data() + i % 16 * levels_stride, s.scales.data() + i, s.minima.data() + i, panel_columns);
        if ((i + 1) % 16 == 0) bytes.pack(depth, s.levels.data(), levels_stride, s.byte_panel.data() + (i - 15) * 4, panel_columns, s.corrections.data() + i - 15);
    });
    return {s.byte_panel.data(), s.scales.data(), format.minima ? s.minima.data() : nullptr, s.corrections.data(), panel_columns};
}

// panel (depth, columns) from weight rows [row, row + depth), or those that stand there in `chosen`, elements [from, from + columns): as
// they lie.
template <typename Real>
void decode_backward(Machine<Real> & machine, typename Machine<Real>::Scratch & s, const Weight & w, const int32_t * chosen, int64_t row, int64_t depth,
                     int64_t from, int64_t columns, int64_t ldp, bool half) {
    const auto row_at = [=](int64_t i) { return chosen ? int64_t(chosen[row + i]) : row + i; };
    if constexpr (std::is_same_v<Real, float>) {
        if (!half) {
            in_order(w, depth, row_at, from, columns, [&](int64_t i, int64_t at) { dequantise(w, at, from, columns, s.panel.data() + i * ldp); });
            return;
        }
    }
    in_order(w, depth, row_at, from, columns, [&](int64_t i, int64_t at) {
        dequantise(w, at, from, columns, s.rows.data() + i % decode_rows * ldp);
        if ((i + 1) % decode_rows != 0 && i + 1 < depth) return;
        const int64_t first = i - i % decode_rows, n = i + 1 - first;
        if (half) {
            machine.half->pack_columns(n, columns, s.rows.data(), ldp, s.half_panel.data() + first * ldp, ldp);
        } else {
            for (int64_t j = 0; j < n; j++) {
                for (int64_t c = 0; c < columns; c++) s.panel[(first + j) * ldp + c] = Real(s.rows[j * ldp + c]);
            }
        }
    });
}

// c (n, columns) += bias + low: what a device leaves to be done here.
void add_rest(const Machine<float> & machine, const std::vector<float> & bias, const LowRank<float> & low, int64_t n, int64_t columns, float * c) {
    if (bias.empty() && low.rank == 0) return;
    over_rows(*machine.threads, n, 16, [&](int64_t first, int64_t last, int) {
        for (int64_t i = first; i < last && !bias.empty(); i++) machine.kernels->add(columns, bias.data(), c + i * columns);
        machine.kernels->gemm(last - first, columns, low.rank, low.left + first * low.stride, low.stride, 1, low.right, columns, c + first * columns, columns, true);
    });
}

} // namespace

template <typename Real>
Machine<Real> make_machine(const Kernels<Real> & kernels, const HalfKernels * half, const ByteKernels * bytes, Threads & threads, Offload * offload) {
    constexpr bool checks = std::is_same_v<Real, double>;
    Machine<Real> machine{&kernels, checks ? nullptr : half, checks ? nullptr : bytes, &threads, checks ? nullptr : offload, {}};
    machine.scratch.resize(size_t(threads.count()));
    for (auto & s : machine.scratch) {
        s.rows.resize(decode_rows * panel_depth);
        s.panel.resize(panel_depth * panel_depth);
        s.half_panel.resize(panel_depth * panel_depth);
        if (!machine.bytes) continue;
        constexpr int64_t blocks = panel_columns * panel_depth / byte_block;
        s.levels.resize(16 * levels_stride);
        s.levels.clear();
        s.byte_panel.resize(panel_columns * panel_depth);
        s.scales.resize(blocks);
        s.minima.resize(blocks);
        s.corrections.resize(blocks);
    }
    return machine;
}

void over_rows(Threads & threads, int64_t n, int64_t grain, const std::function<void(int64_t, int64_t, int)> & body) {
    threads.run((n + grain - 1) / grain, [&](int64_t i, int worker) { body(i * grain, std::min(n, (i + 1) * grain), worker); });
}

template <typename Real>
void prepare(Machine<Real> & machine, Operand<Real> & operand, const Real * data, int64_t rows, int64_t cols) {
    operand.data = data;
    operand.rows = rows;
    operand.cols = cols;
    operand.chosen = nullptr;
    if constexpr (std::is_same_v<Real, float>) {
        if (!machine.half) return;
        if (operand.rounded.size() < rows * cols) operand.rounded.resize(rows * cols);
        operand.half = operand.rounded.data();
        operand.half_stride = cols;
        over_rows(*machine.threads, rows, 16, [&](int64_t first, int64_t last, int) {
            machine.half->convert((last - first) * cols, data + first * cols, operand.rounded.data() + first * cols);
        });
    }
}

template <typename Real>
void prepare_forward(Machine<Real> & machine, Operand<Real> & operand, const Real * data, int64_t rows, int64_t cols) {
    prepare(machine, operand, data, rows, cols);
    if constexpr (std::is_same_v<Real, float>) {
        if (!machine.bytes || cols % byte_block != 0) return;
        const int64_t blocks = cols / byte_block;
        if (operand.levels.size() < rows * cols) operand.levels.resize(rows * cols);
        if (operand.steps.size() < rows * blocks) {
            operand.steps.resize(rows * blocks);
            operand.sums.resize(rows * blocks);
        }
        over_rows(*machine.threads, rows, 16, [&](int64_t first, int64_t last, int) {
            machine.bytes->quantise((last - first) * cols, data + first * cols, operand.levels.data() + first * cols, operand.steps.data() + first * blocks,
                                    operand.sums.data() + first * blocks);
        });
    }
}

template <typename Real>
void multiply_forward(Machine<Real> & machine, const Linear & linear, const Operand<Real> & x, const LowRank<Real> & low, Real * y) {
    const Weight & w = linear.weight;
    if constexpr (std::is_same_v<Real, float>) {
        if (machine.offload) {
            machine.offload->forward(w, x.rows, x.data, y);
            return add_rest(machine, linear.bias, low, x.rows, w.rows, y);
        }
    }
    const int64_t piece = piece_of(w.cols, w.block, panel_depth);
    const ByteFormat format = machine.bytes && w.cols % byte_block == 0 ? machine.bytes->format(w.type) : ByteFormat{nullptr, false};
    const std::vector<Task> tasks = share((w.rows + panel_columns - 1) / panel_columns, x.rows, machine.threads->count());
    machine.threads->run_unless_stopped(int64_t(tasks.size()), [&](int64_t index, int worker) {
        const Task & task = tasks[size_t(index)];
        auto & s = machine.scratch[size_t(worker)];
        const int64_t column = task.panel * panel_columns, columns = std::min(panel_columns, w.rows - column);
        const int64_t rows = task.last - task.first;
        const bool half = can_halve(machine, w.cols, columns);
        Real * c = y + task.first * w.rows + column;
        if (!linear.bias.empty()) {
            for (int64_t n = 0; n < rows; n++) {
                for (int64_t j = 0; j < columns; j++) c[n * w.rows + j] = Real(linear.bias[size_t(column + j)]);
            }
        }
        for (int64_t from = 0; from < w.cols; from += piece) {
            const int64_t depth = std::min(piece, w.cols - from);
            const bool accumulate = from > 0 || !linear.bias.empty();
            if constexpr (std::is_same_v<Real, float>) {
                if (format.decode && columns % 16 == 0) {
                    const BytePanel panel = decode_bytes(*machine.bytes, format, s, w, column, columns, from, depth);
                    const int64_t blocks = x.cols / byte_block, at = task.first * blocks + from / byte_block;
                    machine.bytes->gemm(rows, columns, depth, {x.levels.data() + task.first * x.cols + from, x.cols, x.steps.data() + at, x.sums.data() + at, blocks},
                                        panel, c, w.rows, accumulate);
                    continue;
                }
            }
            decode_forward(machine, s, w, column, columns, from, depth, half);
            if constexpr (std::is_same_v<Real, float>) {
                if (half) {
                    machine.half->gemm(rows, columns, depth, x.half + task.first * x.half_stride + from, x.half_stride, s.half_panel.data(),
                                       panel_columns, c, w.rows, accumulate);
                    continue;
                }
            }
            machine.kernels->gemm(rows, columns, depth, x.data + task.first * x.cols + from, x.cols, 1, s.panel.data(), panel_columns,
                                  c, w.rows, accumulate);
        }
        add_low_rank(machine, s, low, task, column, columns, w.rows, c);
    });
}

template <typename Real>
void multiply_backward(Machine<Real> & machine, const Weight & w, const Operand<Real> & dy, const LowRank<Real> & low, Real * dx, bool accumulate) {
    if constexpr (std::is_same_v<Real, float>) {
        if (machine.offload) {
            machine.offload->backward(w, dy.rows, dy.data, dx, accumulate);
            return add_rest(machine, {}, low, dy.rows, w.cols, dx);
        }
    }
    const int64_t width = std::max(backward_columns, w.block), piece = piece_of(dy.cols, 1, panel_depth * backward_columns / width);
    const std::vector<Task> tasks = share((w.cols + width - 1) / width, dy.rows, machine.threads->count());
    machine.threads->run_unless_stopped(int64_t(tasks.size()), [&](int64_t index, int worker) {
        const Task & task = tasks[size_t(index)];
        auto & s = machine.scratch[size_t(worker)];
        const int64_t column = task.panel * width, columns = std::min(width, w.cols - column);
        const int64_t rows = task.last - task.first;
        const bool half = can_halve(machine, dy.cols, columns);
        Real * c = dx + task.first * w.cols + column;
        for (int64_t from = 0; from < dy.cols; from += piece) {
            const int64_t depth = std::min(piece, dy.cols - from);
            decode_backward(machine, s, w, dy.chosen, from, depth, column, columns, width, half);
            if constexpr (std::is_same_v<Real, float>) {
                if (half) {
                    machine.half->gemm(rows, columns, depth, dy.half + task.first * dy.half_stride + from, dy.half_stride, s.half_panel.data(),
                                       width, c, w.cols, accumulate || from > 0);
                    continue;
                }
            }
            machine.kernels->gemm(rows, columns, depth, dy.data + task.first * dy.cols + from, dy.cols, 1, s.panel.data(), width, c,
                                  w.cols, accumulate || from > 0);
        }
        add_low_rank(machine, s, low, task, column, columns, w.cols, c);
    });
}

#define ARGOT_INSTANTIATE(Real)                                                                                              \
    template Machine<Real> make_machine(const Kernels<Real> &, const HalfKernels *, const ByteKernels *, Threads &, Offload *); \
    template void prepare(Machine<Real> &, Operand<Real> &, const Real *, int64_t, int64_t);                                 \
    template void prepare_forward(Machine<Real> &, Operand<Real> &, const Real *, int64_t, int64_t);                         \
    template void multiply_forward(Machine<Real> &, const Linear &, const Operand<Real> &, const LowRank<Real> &, Real *);   \
    template void multiply_backward(Machine<Real> &, const Weight &, const Operand<Real> &, const LowRank<Real> &, Real *, bool);
ARGOT_INSTANTIATE(float)
ARGOT_INSTANTIATE(double)
#undef ARGOT_INSTANTIATE

} // namespace argot
