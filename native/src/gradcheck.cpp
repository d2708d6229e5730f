// `gradcheck`: are the gradients right? In double precision the hand-written backward pass is held to finite
// differences of the loss; then every float path (kernel tables, bfloat16, a device if one is named) is held to the double gradients.
#include "dataset.h"
#include "random.h"
#include "request.h"
#include "train_settings.h"

#include <algorithm>
#include <cmath>

namespace argot {

namespace {

struct Check {
    const Common & common;
    Session & session;
    Threads & threads;
    AdapterShape shape;
    std::vector<FrozenAdapter> frozen;
    NetworkOptions options;
    Pack pack;
    std::vector<double> parameters;
    std::vector<float> rounded_parameters;
    uint64_t seed;
};

float uniform_at(uint64_t seed, uint64_t stream, uint64_t index) { return symmetric_uniform(philox(seed, stream, index / 4)[index % 4]); }

// Segments of different lengths, labels on two thirds of the tokens with uneven weights.
Pack random_pack(int64_t vocabulary, int64_t length, uint64_t seed) {
    Pack pack;
    const int64_t first = length / 2, second = length / 3;
    for (const int64_t n : {first, second, length - first - second}) {
        if (n > 0) pack.segments.push_back({pack.segments.empty() ? 0 : pack.segments.back().start + pack.segments.back().length, n});
    }
    for (int64_t i = 0; i < length; i++) pack.tokens.push_back(int32_t(philox(seed, 1, uint64_t(i))[0] % uint32_t(vocabulary)));
    for (const Segment & s : pack.segments) {
        for (int64_t i = s.start; i + 1 < s.start + s.length; i++) {
            if (i % 3 != 2) pack.labels.push_back({i, pack.tokens[size_t(i + 1)], (1.0 + double(i % 4)) / double(length)});
        }
    }
    return pack;
}

Adapter random_adapter(const Model & model, const AdapterShape & shape, uint64_t seed) {
    Adapter adapter = seeded_adapter(model, shape, seed);
    uint64_t stream = 1000;
    for (auto & layer : adapter.layer) {
        for (Pair & pair : layer) {
            stream++;
            for (size_t i = 0; i < pair.b_transposed.size(); i++) pair.b_transposed[i] = 0.1f * uniform_at(seed, stream, i);
        }
    }
    return adapter;
}

template <typename Real>
std::unique_ptr<Network<Real>> network_of(const Check & c, const Kernels<Real> & kernels, const HalfKernels * half, const ByteKernels * bytes = nullptr,
                                          Offload * offload = nullptr) {
    auto net = make_network<Real>(c.common.model, make_machine<Real>(kernels, half, bytes, c.threads, offload), c.options, &c.shape, c.frozen);
    if constexpr (std::is_same_v<Real, double>) set_parameters(*net, c.parameters.data());
    else set_parameters(*net, c.rounded_parameters.data());
    return net;
}

template <typename Real>
double loss_and_gradient(const Check & c, Network<Real> & net, std::vector<Real> & gradient) {
    gradient.assign(c.parameters.size(), Real(0));
    net.dropout_stream = 0;
    const std::vector<double> losses = forward_backward(net, c.pack, {{0, int64_t(c.pack.tokens.size()), gradient.data()}});
    // After a cancel what was skipped is not a gradient.
    c.session.breathe();
    double loss = 0;
    for (size_t i = 0; i < losses.size(); i++) loss += losses[i] * c.pack.labels[i].weight;
    return loss;
}

struct Range {
    std::string name;
    int64_t first, count;
};

std::vector<Range> tensors_of(const ParameterLayout & layout, Trains trains) {
    std::vector<Range> ranges;
    for (const PairPlace & p : layout.places) {
        const std::string name = "blk." + std::to_string(p.layer) + "." + target_tensors[size_t(p.target)] + ".weight.lora_";
        if (trains.a) ranges.push_back({name + "a", p.a, layout.rank * p.in});
        if (trains.b) ranges.push_back({name + "b", p.b, layout.rank * p.out});
    }
    return ranges;
}

double norm_of(const double * x, int64_t n) {
    double sum = 0;
    for (int64_t i = 0; i < n; i++) sum += x[i] * x[i];
    return std::sqrt(sum);
}

// d/dh loss(parameters + h · direction) by Richardson's central difference: its error falls with h⁴.
double slope(Check & c, Network<double> & net, const Range & range, const std::vector<double> & direction) {
    const std::vector<double> saved = c.parameters;
    std::vector<double> unused;
    const auto loss_at = [&](double h) {
        for (int64_t i = 0; i < range.count; i++) c.parameters[size_t(range.first + i)] = saved[size_t(range.first + i)] + h * direction[size_t(i)];
        set_parameters(net, c.parameters.data());
        return loss_and_gradient(c, net, unused);
    };
    const double h = 1e-3;
    const double wide = (loss_at(2 * h) - loss_at(-2 * h)) / (4 * h), narrow = (loss_at(h) - loss_at(-h)) / (2 * h);
    c.parameters = saved;
    set_parameters(net, c.parameters.data());
    return (4 * narrow - wide) / 3;
}

// Along the gradient, which sees errors of size, and along a random direction, which sees errors of place.
double worst_against_differences(Check & c, Network<double> & net, const std::vector<double> & gradient, const std::vector<Range> & ranges) {
    double worst = 0;
    for (const Range & range : ranges) {
        const double * g = gradient.data() + range.first;
        const double norm = norm_of(g, range.count);
        std::vector<double> along(g, g + range.count), random(static_cast<size_t>(range.count));
        double expected = 0;
        for (int64_t i = 0; i < range.count; i++) {
            along[size_t(i)] /= std::max(norm, 1e-300);
            random[size_t(i)] = double(uniform_at(c.seed, 7, uint64_t(range.first + i)));
            expected += random[size_t(i)] * g[i];
        }
        // A direction of the gradient's own length scale: an error of the random slope is measured against |g|·|direction|/√n.
        const double spread = norm_of(random.data(), range.count) * norm / std::sqrt(double(range.count));
        const double error = std::max(std::fabs(slope(c, net, range, along) - norm) / std::max(norm, 1e-12),
                                      std::fabs(slope(c, net, range, random) - expected) / std::max(spread, 1e-12));
        worst = std::max(worst, error);
        c.session.emit(Json::make().with("event", "tensor").with("name", range.name).with("norm", norm).with("error", error));
    }
    return worst;
}

// |float gradient - double gradient| / |double gradient|, the worst of all tensors.
Json compare_float(Check & c, const Kernels<float> & kernels, const HalfKernels * half, const ByteKernels * bytes, Offload * offload,
                   const std::vector<double> & gradient, double loss, const std::vector<Range> & ranges) {
    const auto net = network_of<float>(c, kernels, half, bytes, offload);
    std::vector<float> got;
    const double got_loss = loss_and_gradient(c, *net, got);
    double worst = 0;
    for (const Range & range : ranges) {
        double difference = 0;
        for (int64_t i = range.first; i < range.first + range.count; i++) {
            const double d = double(got[size_t(i)]) - gradient[size_t(i)];
            difference += d * d;
        }
        worst = std::max(worst, std::sqrt(difference) / std::max(norm_of(gradient.data() + range.first, range.count), 1e-12));
    }
    const char * name = offload ? "device" : bytes ? bytes->name : half ? half->name : kernels.name;
    return Json::make().with("kernels", name).with("error", worst).with("lossError", std::fabs(got_loss - loss) / std::fabs(loss));
}

} // namespace

void run_gradcheck(Fields & fields, Session & session) {
    const Common common = read_common(fields);
    Threads threads(common.threads);
    session.attach(threads);
    const auto offload = open_device(common, true, threads);
    Check c{common, session, threads, read_shape(fields), {}, {}, {}, {}, {}, 0};
    c.seed = uint64_t(fields.integer("seed", 1, 0, int64_t(1) << 53));
    const int64_t length = fields.integer("tokens", 24, 4, 4096);
    const Matrices mode = read_mode(fields);
    c.options.trains = trains_of(mode);
    c.options.dropout = float(fields.number("dropout", 0, 0, 0.95));
    c.options.dropout_seed = c.seed;
    c.options.checkpointing = fields.flag("checkpointing", false);
    const double frozen_scale = fields.number("frozenScale", 0, -10, 10);
    const int64_t head_rows = fields.integer("headRows", 0, 0, 4096);
    const bool differences = fields.flag("differences", true);
    const bool dump = fields.flag("gradient", false);
    const std::string tokens = fields.text("data", ""), start = fields.text("start", "");
    fields.finish();
    c.options.capacity = length;
    c.options.head_rows = head_rows > 0 ? head_rows : length;
    const AdapterShape frozen_shape{c.shape.rank + 1, 4, c.shape.targets};
    if (frozen_scale != 0) c.frozen.push_back({random_adapter(common.model, frozen_shape, c.seed + 1), float(frozen_scale)});
    Adapter adapter = start.empty() ? random_adapter(common.model, c.shape, c.seed) : load_checked(common, start);
    c.shape = adapter.shape;
    const std::vector<float> parameters = gather(adapter, parameter_layout(common.model, c.shape));
    c.parameters.assign(parameters.begin(), parameters.end());
    c.rounded_parameters = parameters;
    c.pack = random_pack(common.model.vocabulary, length, c.seed);
    if (!tokens.empty()) {
        const std::vector<Example> examples = load_examples(tokens, common.model.vocabulary, length);
        double total = 0;
        for (const Example & e : examples) total += e.total;
        std::vector<uint32_t> all(examples.size());
        for (size_t i = 0; i < all.size(); i++) all[i] = uint32_t(i);
        const auto packs = pack_examples(examples, all, length, SIZE_MAX);
        if (packs.size() != 1) throw Failure(Problem::badRequest, "“data” must fit one pack of “tokens”");
        c.pack = make_pack(examples, packs[0], [&](uint32_t) { return 1 / total; });
    }

    const auto net = network_of<double>(c, portable_kernels<double>(), nullptr);
    std::vector<double> gradient;
    const double loss = loss_and_gradient(c, *net, gradient);
    const std::vector<Range> ranges = tensors_of(net->layout, c.options.trains);
    Json paths = Json::list();
    for (const char * name : {"portable", "neon", "sse", "avx2", "avx512"}) {
        if (const Kernels<float> * kernels = find_kernels(name)) paths.array.push_back(compare_float(c, *kernels, nullptr, nullptr, nullptr, gradient, loss, ranges));
    }
    if (half_kernels()) paths.array.push_back(compare_float(c, best_kernels(), half_kernels(), nullptr, nullptr, gradient, loss, ranges));
    if (byte_kernels()) paths.array.push_back(compare_float(c, best_kernels(), half_kernels(), byte_kernels(), nullptr, gradient, loss, ranges));
    if (offload) paths.array.push_back(compare_float(c, best_kernels(), nullptr, nullptr, offload.get(), gradient, loss, ranges));
    const double worst = differences ? worst_against_differences(c, *net, gradient, ranges) : NAN;
    Json result = Json::make().with("event", "result").with("loss", loss).with("tensors", int64_t(ranges.size())).with("worst", worst).with("paths", paths);
    if (dump) {
        // In the order of a delta, as doubles of nine digits: for comparison with another implementation.
        std::vector<float> narrow(gradient.begin(), gradient.end());
        scatter(narrow, net->layout, adapter);
        Json list = Json::list();
        for (const float g : flatten(adapter, mode)) list.array.push_back(Json::of(double(g)));
        result.object["gradient"] = list;
    }
    session.emit(result);
}

} // namespace argot
