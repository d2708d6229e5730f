#include "privacy.h"

#include "optimiser.h"

#include <algorithm>

namespace argot {

std::vector<uint32_t> poisson_sample(ChaCha & random, uint32_t examples, double expected_batch) {
    const double probability = std::min(1.0, expected_batch / double(examples));
    std::vector<uint32_t> taken;
    for (uint32_t i = 0; i < examples; i++) {
        if (random.uniform() < probability) taken.push_back(i);
    }
    return taken;
}

double add_clipped(Threads & threads, const ParameterLayout & layout, Trains trains, double clip, const float * gradient, float * sum) {
    const double norm = gradient_norm(threads, layout, trains, gradient);
    // A gradient that overflowed teaches nothing and its clipped value is undefined: it counts as zero.
    if (!(norm < 1e30)) return norm;
    const float factor = float(std::min(1.0, clip / std::max(norm, 1e-30)));
    over_rows(threads, layout.total, 65536, [&](int64_t first, int64_t last, int) {
        for (int64_t i = first; i < last; i++) sum[i] += gradient[i] * factor;
    });
    return norm;
}

void add_noise(ChaCha & random, const ParameterLayout & layout, Trains trains, const Privacy & privacy, float * sum) {
    const double deviation = privacy.clip * privacy.noise_multiplier, inverse = 1 / privacy.expected_batch;
    const auto noise = [&](int64_t first, int64_t count) {
        for (int64_t i = first; i < first + count; i++) {
            const double added = deviation > 0 ? deviation * random.gaussian() : 0;
            sum[i] = float((double(sum[i]) + added) * inverse);
        }
    };
    for (const PairPlace & p : layout.places) {
        if (trains.a) noise(p.a, layout.rank * p.in);
        if (trains.b) noise(p.b, layout.rank * p.out);
    }
}

ChaCha step_random(const Privacy & privacy, int64_t step) {
    if (!privacy.seeded) return ChaCha();
    return ChaCha({uint32_t(privacy.seed), uint32_t(privacy.seed >> 32), uint32_t(step), uint32_t(uint64_t(step) >> 32), 1, 0, 0, 0});
}

} // namespace argot
