#include "optimiser.h"

#include <algorithm>
#include <cmath>

namespace argot {

double learning_rate_at(const TrainSettings & s, int64_t step, int64_t steps) {
    if (step <= s.warmup_steps) return s.learning_rate * double(step) / double(s.warmup_steps);
    if (s.schedule == Schedule::constant || steps <= s.warmup_steps) return s.learning_rate;
    const double done = std::min(1.0, double(step - s.warmup_steps) / double(steps - s.warmup_steps));
    return s.learning_rate * (0.1 + 0.9 * 0.5 * (1 + std::cos(3.141592653589793 * done)));
}

namespace {

struct Range {
    int64_t first, last;
};

std::vector<Range> trained_ranges(const ParameterLayout & layout, Trains trains) {
    std::vector<Range> ranges;
    for (const PairPlace & p : layout.places) {
        if (trains.a) ranges.push_back({p.a, p.a + layout.rank * p.in});
        if (trains.b) ranges.push_back({p.b, p.b + layout.rank * p.out});
    }
    return ranges;
}

} // namespace

double gradient_norm(Threads & threads, const ParameterLayout & layout, Trains trains, const float * gradient) {
    const std::vector<Range> ranges = trained_ranges(layout, trains);
    std::vector<double> sums(ranges.size());
    threads.run(int64_t(ranges.size()), [&](int64_t i, int) {
        double sum = 0;
        for (int64_t k = ranges[size_t(i)].first; k < ranges[size_t(i)].last; k++) sum += double(gradient[k]) * double(gradient[k]);
        sums[size_t(i)] = sum;
    });
    double total = 0;
    for (const double sum : sums) total += sum;
    return std::sqrt(total);
}

void adamw_step(Threads & threads, const ParameterLayout & layout, Trains trains, const TrainSettings & s, double rate, int64_t step,
                double factor, const float * gradient, Moments & moments, std::vector<float> & parameters) {
    const std::vector<Range> ranges = trained_ranges(layout, trains);
    const float b1 = float(s.beta1), b2 = float(s.beta2), scale = float(factor), epsilon = float(s.epsilon);
    const float decay = float(1 - rate * s.weight_decay);
    const float step_size = float(rate / (1 - std::pow(s.beta1, double(step))));
    const float correction = float(1 / (1 - std::pow(s.beta2, double(step))));
    threads.run(int64_t(ranges.size()), [&](int64_t i, int) {
        float * m = moments.first.data(), * v = moments.second.data(), * p = parameters.data();
        for (int64_t k = ranges[size_t(i)].first; k < ranges[size_t(i)].last; k++) {
            const float g = gradient[k] * scale;
            m[k] = b1 * m[k] + (1 - b1) * g;
            v[k] = b2 * v[k] + (1 - b2) * g * g;
            p[k] = p[k] * decay - step_size * m[k] / (std::sqrt(v[k] * correction) + epsilon);
        }
    });
}

void sgd_step(Threads & threads, const ParameterLayout & layout, Trains trains, double rate, double factor, const float * gradient,
              std::vector<float> & parameters) {
    const std::vector<Range> ranges = trained_ranges(layout, trains);
    const float length = float(rate * factor);
    threads.run(int64_t(ranges.size()), [&](int64_t i, int) {
        for (int64_t k = ranges[size_t(i)].first; k < ranges[size_t(i)].last; k++) parameters[size_t(k)] -= length * gradient[k];
    });
}

} // namespace argot
