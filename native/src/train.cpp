// `train`: data in, adapter out. The loop is `train()` at the end; what it calls is above, in the order of a step.
#include "checkpoint.h"
#include "dataset.h"
#include "optimiser.h"
#include "privacy.h"
#include "random.h"
#include "train_settings.h"

#include <algorithm>
#include <cmath>
#include <filesystem>

namespace argot {

namespace {

struct Progress {
    std::atomic<int64_t> step{0}, tokens{0}, steps{0};
    std::atomic<double> loss{NAN}, started{0}, waited_before{0};
};

struct Run {
    Common & common;
    TrainSettings settings;
    Session & session;
    Threads threads;
    std::vector<Example> examples, validation;
    std::vector<std::vector<uint32_t>> validation_packs;
    MemoryPlan plan;
    Adapter adapter;
    std::unique_ptr<Offload> offload;
    std::unique_ptr<Network<float>> network;
    Trains trains;
    std::vector<float> start, gradient;
    std::vector<std::vector<float>> slots;
    TrainState state;
    int64_t steps = 0;
    Progress progress;

    Run(Common & c, TrainSettings s, Session & io) : common(c), settings(std::move(s)), session(io), threads(c.threads) {}
};

void report_progress(Run & run) {
    const double elapsed = seconds_now() - run.progress.started - (run.session.waited() - run.progress.waited_before);
    const int64_t done = run.progress.step, total = run.progress.steps, tokens = run.progress.tokens;
    const double speed = elapsed > 0 ? double(tokens) / elapsed : 0;
    run.session.emit(Json::make()
                         .with("event", "progress")
                         .with("step", done)
                         .with("steps", total)
                         .with("loss", run.progress.loss.load())
                         .with("tokensPerSecond", speed)
                         .with("secondsLeft", done > 0 ? elapsed / double(done) * double(std::max<int64_t>(0, total - done)) : NAN)
                         .with("paused", run.session.paused()));
}

double mean_loss(Run & run) {
    double loss = 0, total = 0;
    for (const auto & members : run.validation_packs) {
        const Pack pack = make_pack(run.validation, members, [](uint32_t) { return 1.0; });
        const std::vector<double> losses = evaluate(*run.network, pack);
        run.session.breathe();
        for (size_t i = 0; i < losses.size(); i++) {
            loss += losses[i] * pack.labels[i].weight;
            total += pack.labels[i].weight;
        }
    }
    if (!std::isfinite(loss)) throw Failure(Problem::internal, "The held-out loss is not finite. Lower the learning rate, or use precision float32.");
    return loss / total;
}

std::vector<GradientSlot<float>> slots_of(Run & run, const Pack & pack) {
    if (!run.settings.privacy.on && !run.settings.report_norms) return {{0, int64_t(pack.tokens.size()), run.gradient.data()}};
    std::vector<GradientSlot<float>> slots;
    for (size_t i = 0; i < pack.segments.size(); i++) {
        std::fill(run.slots[i].begin(), run.slots[i].end(), 0.0f);
        slots.push_back({pack.segments[i].start, pack.segments[i].length, run.slots[i].data()});
    }
    return slots;
}

struct StepResult {
    double loss = 0, weight = 0;
    int64_t tokens = 0, examples = 0;
    std::vector<double> norms;
};

// Adds one pack's gradient to run.gradient. `scale` is what an example's label weights are multiplied by.
void train_pack(Run & run, const std::vector<uint32_t> & members, const std::function<double(uint32_t)> & scale, StepResult & result) {
    const Pack pack = make_pack(run.examples, members, scale);
    const std::vector<GradientSlot<float>> slots = slots_of(run, pack);
    const std::vector<double> losses = forward_backward(*run.network, pack, slots);
    run.session.breathe();
    for (size_t i = 0; i < losses.size(); i++) {
        result.loss += losses[i] * pack.labels[i].weight;
        result.weight += pack.labels[i].weight;
    }
    result.tokens += int64_t(pack.tokens.size());
    result.examples += int64_t(members.size());
    run.progress.tokens += int64_t(pack.tokens.size());
    if (!run.settings.privacy.on && !run.settings.report_norms) return;
    const double clip = run.settings.privacy.on ? run.settings.privacy.clip : 1e30;
    for (size_t i = 0; i < members.size(); i++) {
        result.norms.push_back(add_clipped(run.threads, run.network->layout, run.trains, clip, run.slots[i].data(), run.gradient.data()));
    }
}

// A step's loss is Σ weight·nll / Σ weight over its labels, so each pack's labels are scaled by the whole step's weight.
StepResult plain_step(Run & run, const std::vector<std::vector<uint32_t>> & packs, size_t first, size_t last) {
    StepResult result;
    std::fill(run.gradient.begin(), run.gradient.end(), 0.0f);
    double total = 0;
    for (size_t p = first; p < last; p++) {
        for (const uint32_t index : packs[p]) total += run.examples[index].total;
    }
    for (size_t p = first; p < last; p++) train_pack(run, packs[p], [&](uint32_t) { return 1 / total; }, result);
    result.weight = 1;
    return result;
}

// Each example's loss is its own mean times its weight, clipped on its own, so that no example counts for more.
StepResult private_step(Run & run, int64_t step) {
    std::fill(run.gradient.begin(), run.gradient.end(), 0.0f);
    ChaCha random = step_random(run.settings.privacy, step);
    const std::vector<uint32_t> sample = poisson_sample(random, uint32_t(run.examples.size()), run.settings.privacy.expected_batch);
    StepResult result;
    for (const auto & members : pack_examples(run.examples, sample, run.settings.sequence, run.slots.size())) {
        train_pack(run, members, [&](uint32_t i) { return 1 / double(run.examples[i].labelled); }, result);
    }
    add_noise(random, run.network->layout, run.trains, run.settings.privacy, run.gradient.data());
    return result;
}

void update(Run & run, const StepResult & result) {
    TrainState & s = run.state;
    const TrainSettings & settings = run.settings;
    const double norm = gradient_norm(run.threads, run.network->layout, run.trains, run.gradient.data());
    if (!std::isfinite(norm)) {
        throw Failure(Problem::internal, "The gradient is not finite at step " + std::to_string(s.step + 1) + ". Lower the learning rate, or use precision float32.");
    }
    const double factor = !settings.privacy.on && settings.clip > 0 && norm > settings.clip ? settings.clip / norm : 1;
    s.step++;
    const double rate = learning_rate_at(settings, s.step, run.steps);
    const ParameterLayout & layout = run.network->layout;
    if (settings.optimiser == Optimiser::sgd) sgd_step(run.threads, layout, run.trains, rate, factor, run.gradient.data(), s.parameters);
    else adamw_step(run.threads, layout, run.trains, settings, rate, s.step, factor, run.gradient.data(), s.moments, s.parameters);
    set_parameters(*run.network, s.parameters.data());
    s.tokens += result.tokens;
    s.examples += result.examples;
    s.dropout_stream = run.network->dropout_stream;
    const double loss = result.weight > 0 ? result.loss / result.weight : NAN;
    run.progress.loss = loss;
    run.progress.step = s.step;
    Json event = Json::make().with("event", "step").with("step", s.step).with("steps", run.steps).with("loss", loss).with("gradientNorm", norm)
                     .with("learningRate", rate).with("tokens", result.tokens).with("examples", result.examples);
    Network<float> & network = *run.network;
    if (network.head_whole > 0) event.object["headShare"] = Json::of(double(network.head_multiplied) / double(network.head_whole));
    network.head_multiplied = network.head_whole = 0;
    if (settings.report_norms) {
        Json norms = Json::list();
        for (const double n : result.norms) norms.array.push_back(Json::of(n));
        event.object["exampleNorms"] = norms;
    }
    run.session.emit(event);
}

// Returns false when held-out loss has not improved for `patience` validations.
bool validate(Run & run) {
    TrainState & s = run.state;
    const double loss = mean_loss(run);
    s.validated = s.step;
    const bool better = s.best_loss < 0 || loss < s.best_loss;
    if (better) {
        s.best_loss = loss;
        s.best = s.parameters;
        s.best_step = s.step;
        s.stale = 0;
    } else {
        s.stale++;
    }
    run.session.emit(Json::make().with("event", "validation").with("step", s.step).with("loss", loss).with("best", better));
    return s.stale < run.settings.patience;
}

void checkpoint(Run & run) {
    save_checkpoint(run.settings.checkpoint, run.settings.fingerprint, run.state);
    run.session.emit(Json::make().with("event", "checkpoint").with("step", run.state.step));
}

// Packs of an epoch depend on the order's seed and the epoch alone, so that a resumed run needs no list.
std::vector<std::vector<uint32_t>> epoch_packs(const Run & run, int64_t epoch) {
    const std::vector<uint32_t> order = shuffled(uint32_t(run.examples.size()), run.settings.order_seed, uint64_t(epoch) | (uint64_t(1) << 40));
    return pack_examples(run.examples, order, run.settings.sequence, run.slots.empty() ? SIZE_MAX : run.slots.size());
}

int64_t steps_of_epoch(const Run & run, size_t packs) { return (int64_t(packs) + run.settings.packs_per_step - 1) / run.settings.packs_per_step; }

StepResult next_plain_step(Run & run, std::vector<std::vector<uint32_t>> & packs, int64_t & packs_epoch) {
    TrainState & s = run.state;
    if (packs_epoch != s.epoch) packs = epoch_packs(run, packs_epoch = s.epoch);
    const size_t last = std::min(packs.size(), size_t(s.pack + run.settings.packs_per_step));
    const StepResult result = plain_step(run, packs, size_t(s.pack), last);
    s.pack = int64_t(last);
    if (last == packs.size()) s.epoch++, s.pack = 0;
    return result;
}

const char * train(Run & run) {
    const TrainSettings & settings = run.settings;
    TrainState & s = run.state;
    const bool validates = !run.validation_packs.empty() && settings.evaluate_every > 0;
    const double started = seconds_now();
    const int64_t resumed_at = s.step;
    std::vector<std::vector<uint32_t>> packs;
    int64_t packs_epoch = -1;
    for (;;) {
        // After a cancel or a crash in the middle of a validation, the resumed run begins with it.
        const bool last = s.step >= run.steps;
        if (validates && s.validated != s.step && (last || s.step % settings.evaluate_every == 0) && !validate(run)) return "earlyStopping";
        if (settings.checkpoint_every > 0 && s.step > resumed_at && s.step % settings.checkpoint_every == 0) checkpoint(run);
        if (last) return "steps";
        if (settings.seconds_limit > 0 && seconds_now() - started > settings.seconds_limit) return "secondsLimit";
        run.session.breathe();
        update(run, settings.privacy.on ? private_step(run, s.step + 1) : next_plain_step(run, packs, packs_epoch));
    }
}

void prepare_run(Run & run) {
    const Common & common = run.common;
    TrainSettings & s = run.settings;
    run.session.attach(run.threads);
    for (const std::string & path : {s.output, s.delta, s.checkpoint}) {
        if (!path.empty()) check_writable(path);
    }
    if (s.start.empty()) {
        run.adapter = seeded_adapter(common.model, s.shape, s.seed);
    } else {
        run.adapter = load_checked(common, s.start);
        s.shape = run.adapter.shape;
    }
    run.trains = trains_of(s.mode);
    run.examples = load_examples(s.data, common.model.vocabulary, s.sequence);
    if (!s.validation.empty()) run.validation = load_examples(s.validation, common.model.vocabulary, s.sequence);
    std::vector<uint32_t> in_order(run.validation.size());
    for (size_t i = 0; i < in_order.size(); i++) in_order[i] = uint32_t(i);
    run.validation_packs = pack_examples(run.validation, in_order, s.sequence, SIZE_MAX);

    NetworkOptions options;
    options.capacity = s.sequence;
    options.trains = run.trains;
    options.dropout = s.dropout;
    options.dropout_seed = s.seed ^ 0x6472'6f70'6f75'74;
    options.checkpointing = s.checkpointing_forced;
    const bool own_slots = s.privacy.on || s.report_norms;
    run.plan = plan_memory(common, s.shape, options, s.memory_bytes, own_slots);
    if (run.plan.options.checkpointing && !s.checkpointing_allowed) {
        throw Failure(Problem::memoryCeiling, "Training without activation checkpointing needs more than “memoryMiB”. Allow checkpointing or more memory.");
    }
    run.offload = open_device(common, true, run.threads);
    auto machine = make_machine<float>(*common.kernels, common.half, common.bytes, run.threads, run.offload.get());
    run.network = make_network<float>(common.model, std::move(machine), run.plan.options, &s.shape, s.frozen);
    run.network->breathe = [&run] { run.session.breathe(); };
    const ParameterLayout & layout = run.network->layout;
    run.start = gather(run.adapter, layout);
    run.gradient.assign(size_t(layout.total), 0.0f);
    run.slots.resize(size_t(own_slots ? run.plan.slots : 0));
    for (auto & slot : run.slots) slot.resize(size_t(layout.total));

    run.steps = s.steps;
    if (run.steps == 0 && s.privacy.on) run.steps = int64_t(std::ceil(double(run.examples.size()) / s.privacy.expected_batch)) * s.epochs;
    for (int64_t e = 0; run.steps == 0 || (s.steps == 0 && !s.privacy.on && e < s.epochs); e++) run.steps += steps_of_epoch(run, epoch_packs(run, e).size());

    // The same paths with other contents are other data.
    const uint64_t data = hash_bytes(run.start.data(), run.start.size() * sizeof(float));
    uint64_t hash = data;
    for (const auto * set : {&run.examples, &run.validation}) {
        for (const Example & e : *set) {
            hash = hash_bytes(e.tokens.data(), e.tokens.size() * sizeof(int32_t), hash);
            hash = hash_bytes(e.weights.data(), e.weights.size() * sizeof(float), hash);
        }
    }
    s.fingerprint += std::to_string(hash);
    if (s.resume && std::filesystem::exists(s.checkpoint)) {
        run.state = load_checkpoint(s.checkpoint, s.fingerprint, run.start.size());
    } else {
        run.state.parameters = run.start;
        run.state.moments.first.assign(run.start.size(), 0.0f);
        run.state.moments.second.assign(run.start.size(), 0.0f);
    }
    // Copies that nothing reads before the end, or at all, would stay in memory throughout.
    if (s.delta.empty()) run.start = {};
    for (auto & layer : run.adapter.layer) layer = {};
    run.network->dropout_stream = run.state.dropout_stream;
    set_parameters(*run.network, run.state.parameters.data());
}

Json make_card(const Run & run, const char * reason) {
    const TrainSettings & s = run.settings;
    Json targets = Json::list(), parents = Json::list(), frozen = Json::list();
    for (size_t t = 0; t < target_count; t++) {
        if (s.shape.targets[t]) targets.array.push_back(Json::of(target_names[t]));
    }
    for (const std::string & parent : s.parents) parents.array.push_back(Json::of(parent));
    for (const FrozenAdapter & f : s.frozen) frozen.array.push_back(Json::of(double(f.scale)));
    int64_t labelled = 0;
    for (const Example & e : run.examples) labelled += e.labelled;
    Json card = Json::make().with("trainer", trainer_version).with("rank", s.shape.rank).with("alpha", double(s.shape.alpha)).with("targets", targets)
                    .with("mode", name_of(s.mode)).with("seed", int64_t(s.seed)).with("parents", parents).with("frozenScales", frozen)
                    .with("examples", int64_t(run.examples.size())).with("labelledTokens", labelled).with("validationExamples", int64_t(run.validation.size()))
                    .with("steps", run.state.step).with("bestStep", run.state.best_step).with("tokensSeen", run.state.tokens)
                    .with("learningRate", s.learning_rate).with("warmupSteps", s.warmup_steps).with("schedule", s.schedule == Schedule::cosine ? "cosine" : "constant")
                    .with("sequence", s.sequence).with("packsPerStep", s.packs_per_step).with("dropout", double(s.dropout)).with("weightDecay", s.weight_decay)
                    .with("clip", s.clip).with("stopped", reason);
    if (run.state.best_loss >= 0) card.object["validationLoss"] = Json::of(run.state.best_loss);
    if (s.privacy.on) {
        card.object["privacy"] = Json::make().with("clip", s.privacy.clip).with("noiseMultiplier", s.privacy.noise_multiplier)
                                     .with("expectedBatch", s.privacy.expected_batch).with("examples", int64_t(run.examples.size()))
                                     .with("steps", run.state.step).with("seeded", s.privacy.seeded);
    }
    for (const auto & [name, value] : s.card.object) card.object.emplace(name, value);
    return card;
}

void write_results(Run & run, const char * reason) {
    const TrainSettings & s = run.settings;
    const std::vector<float> & best = run.state.best_loss >= 0 && !run.state.best.empty() ? run.state.best : run.state.parameters;
    // The activations make room for the copies that writing takes, so that the peak is the training's.
    const ParameterLayout layout = run.network->layout;
    run.network.reset();
    scatter(best, layout, run.adapter);
    if (!s.output.empty()) write_file_atomically(s.output, encode_adapter(run.adapter, run.common.model, run.common.model_sha256, make_card(run, reason)));
    if (!s.delta.empty()) {
        Adapter difference = run.adapter;
        std::vector<float> values(best.size());
        for (size_t i = 0; i < values.size(); i++) values[i] = best[i] - run.start[i];
        scatter(values, layout, difference);
        const std::vector<float> flat = flatten(difference, s.mode);
        const auto * bytes = reinterpret_cast<const uint8_t *>(flat.data());
        write_file_atomically(s.delta, std::vector<uint8_t>(bytes, bytes + flat.size() * sizeof(float)));
    }
    if (!s.checkpoint.empty()) std::filesystem::remove(s.checkpoint);
}

} // namespace

void run_train(Fields & fields, Session & session) {
    Common common = read_common(fields);
    Run run(common, read_train_settings(fields, common), session);
    prepare_run(run);
    session.emit(Json::make()
                     .with("event", "ready").with("architecture", common.model.architecture).with("kernels", common.kernels->name)
                     .with("precision", common.precision()).with("threads", common.threads)
                     .with("device", run.offload ? run.offload->device() : "cpu").with("examples", int64_t(run.examples.size())).with("steps", run.steps).with("resumedAt", run.state.step)
                     .with("checkpointing", run.plan.options.checkpointing).with("memoryBytes", run.plan.bytes));
    run.progress.started = seconds_now();
    run.progress.waited_before = session.waited();
    run.progress.steps = run.steps;
    const double started = seconds_now();
    const int64_t tokens_before = run.state.tokens;
    const char * reason;
    {
        const Ticker ticker([&run] { report_progress(run); });
        try {
            reason = train(run);
        } catch (const Failure & failure) {
            // The step that was cut short has changed no parameter: what stands is the last whole step.
            if (failure.problem == Problem::cancelled && !run.settings.checkpoint.empty() && run.state.step > 0) checkpoint(run);
            throw;
        }
    }
    write_results(run, reason);
    const double seconds = seconds_now() - started;
    session.emit(Json::make()
                     .with("event", "result").with("stopped", reason).with("steps", run.state.step).with("tokens", run.state.tokens)
                     .with("loss", run.progress.loss.load()).with("validationLoss", run.state.best_loss >= 0 ? run.state.best_loss : NAN)
                     .with("bestStep", run.state.best_step).with("seconds", seconds)
                     .with("tokensPerSecond", double(run.state.tokens - tokens_before) / std::max(1e-9, seconds)));
}

} // namespace argot
