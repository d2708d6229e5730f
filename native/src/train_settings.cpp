#include "train_settings.h"

#include <algorithm>

namespace argot {

namespace {

Privacy read_privacy(Fields & fields) {
    Privacy privacy;
    const Json * object = fields.member("privacy", Json::Kind::object);
    if (!object) return privacy;
    Fields own(*object, "“privacy”");
    privacy.on = true;
    privacy.clip = own.number("clip", 1, 1e-9, 1e9);
    privacy.noise_multiplier = own.number("noiseMultiplier", 0, 0, 1e6);
    privacy.expected_batch = own.number("expectedBatch", 0, 1e-6, 1e9);
    privacy.seeded = own.has("testSeed");
    privacy.seed = uint64_t(own.integer("testSeed", 0, 0, int64_t(1) << 53));
    own.finish();
    if (privacy.expected_batch == 0) throw Failure(Problem::badRequest, "“privacy”: “expectedBatch” must be given");
    return privacy;
}

std::string fingerprint_of(const TrainSettings & s, const Common & common) {
    Json targets = Json::list();
    for (const bool target : s.shape.targets) targets.array.push_back(Json::of(target));
    Json frozen = Json::list();
    for (const FrozenAdapter & f : s.frozen) frozen.array.push_back(Json::of(double(f.scale)));
    return write_json(Json::make()
                          .with("model", common.model.path).with("sha256", common.model_sha256).with("data", s.data).with("validation", s.validation)
                          .with("start", s.start).with("rank", s.shape.rank).with("alpha", double(s.shape.alpha)).with("targets", targets)
                          .with("frozen", frozen).with("mode", name_of(s.mode)).with("seed", int64_t(s.seed)).with("order", int64_t(s.order_seed)).with("sequence", s.sequence)
                          .with("packs", s.packs_per_step).with("steps", s.steps).with("epochs", s.epochs).with("rate", s.learning_rate)
                          .with("decay", s.weight_decay).with("beta1", s.beta1).with("beta2", s.beta2).with("clip", s.clip)
                          .with("warmup", s.warmup_steps).with("cosine", s.schedule == Schedule::cosine).with("sgd", s.optimiser == Optimiser::sgd).with("dropout", double(s.dropout))
                          .with("evaluate", s.evaluate_every).with("patience", s.patience).with("private", s.privacy.on)
                          .with("privateClip", s.privacy.clip).with("noise", s.privacy.noise_multiplier).with("batch", s.privacy.expected_batch)
                          .with("device", common.device).with("kernels", common.kernels->name).with("precision", common.precision()));
}

} // namespace

TrainSettings read_train_settings(Fields & fields, const Common & common) {
    TrainSettings s;
    s.data = fields.text("data");
    s.validation = fields.text("validation", "");
    s.output = fields.text("output", "");
    s.delta = fields.text("delta", "");
    s.checkpoint = fields.text("checkpoint", "");
    s.start = fields.text("start", "");
    s.shape = read_shape(fields);
    s.mode = read_mode(fields);
    if (const Json * frozen = fields.member("frozen", Json::Kind::array)) s.frozen = read_stack(common, *frozen, "“frozen”");
    s.parents = fields.texts("parents");
    s.seed = uint64_t(fields.integer("seed", 1, 0, int64_t(1) << 53));
    s.order_seed = uint64_t(fields.integer("orderSeed", int64_t(s.seed), 0, int64_t(1) << 53));
    s.sequence = fields.integer("sequence", 256, 2, std::min<int64_t>(common.model.context, 1 << 20));
    s.packs_per_step = fields.integer("packsPerStep", 1, 1, 100000);
    s.steps = fields.integer("steps", 0, 0, 100000000);
    s.epochs = fields.integer("epochs", 1, 1, 1000000);
    s.learning_rate = fields.number("learningRate", 1e-3, 0, 1e9);
    s.weight_decay = fields.number("weightDecay", 0, 0, 10);
    s.beta1 = fields.number("beta1", 0.9, 0, 0.999999);
    s.beta2 = fields.number("beta2", 0.999, 0, 0.999999);
    s.clip = fields.number("clip", 1, 0, 1e9);
    s.warmup_steps = fields.integer("warmupSteps", 0, 0, 100000000);
    const std::string schedule = fields.text("schedule", "constant");
    if (schedule != "constant" && schedule != "cosine") throw Failure(Problem::badRequest, "“schedule” must be constant or cosine");
    s.schedule = schedule == "cosine" ? Schedule::cosine : Schedule::constant;
    const std::string optimiser = fields.text("optimiser", "adamw");
    if (optimiser != "adamw" && optimiser != "sgd") throw Failure(Problem::badRequest, "“optimiser” must be adamw or sgd");
    s.optimiser = optimiser == "sgd" ? Optimiser::sgd : Optimiser::adamw;
    s.dropout = float(fields.number("dropout", 0, 0, 0.95));
    s.evaluate_every = fields.integer("evaluateEverySteps", 0, 0, 100000000);
    s.patience = fields.integer("patience", 3, 1, 1000000);
    s.checkpoint_every = fields.integer("checkpointEverySteps", 0, 0, 100000000);
    s.resume = fields.flag("resume", false);
    s.report_norms = fields.flag("reportNorms", false);
    s.seconds_limit = fields.number("secondsLimit", 0, 0, 1e9);
    s.memory_bytes = fields.integer("memoryMiB", 0, 0, int64_t(1) << 30) << 20;
    const std::string checkpointing = fields.text("activationCheckpointing", "auto");
    if (checkpointing != "auto" && checkpointing != "on" && checkpointing != "off") {
        throw Failure(Problem::badRequest, "“activationCheckpointing” must be auto, on or off");
    }
    s.checkpointing_forced = checkpointing == "on";
    s.checkpointing_allowed = checkpointing != "off";
    s.privacy = read_privacy(fields);
    const Json * card = fields.member("card", Json::Kind::object);
    s.card = card ? *card : Json::make();
    fields.finish();
    if (s.output.empty() && s.delta.empty()) throw Failure(Problem::badRequest, "“output” or “delta” must say where the result goes");
    if ((s.checkpoint_every > 0 || s.resume) && s.checkpoint.empty()) throw Failure(Problem::badRequest, "“checkpoint” must name a file");
    if (s.mode == Matrices::a && s.start.empty()) {
        throw Failure(Problem::badRequest, "“mode” a needs a “start” adapter: while B is zero, A has no gradient");
    }
    s.fingerprint = fingerprint_of(s, common);
    return s;
}

MemoryPlan plan_memory(const Common & common, const AdapterShape & shape, NetworkOptions options, int64_t ceiling, bool privacy) {
    const Model & model = common.model;
    const int64_t parameters = parameter_count(model, shape, Matrices::both) * int64_t(sizeof(float));
    // Parameters, gradient, two moments, the best so far and what a checkpoint copies.
    const int64_t state = parameters * 6;
    const int64_t weights = int64_t(model.gguf.file.size());
    const int64_t most_slots = privacy ? 8 : 0;
    // Fewer rows at once decode the head's weights more often. What that costs is worth a part of what else grows with the window.
    const int64_t logits_limit = options.checkpointing ? int64_t(16) << 20 : options.capacity * (160 << 10);
    const int64_t most_rows = std::clamp<int64_t>(logits_limit / (model.vocabulary * int64_t(sizeof(float))), 16, options.capacity);
    // As many passes as the limit asks for, of about the same length.
    const int64_t passes = (options.capacity + most_rows - 1) / most_rows;
    options.head_rows = (options.capacity + passes - 1) / passes;
    MemoryPlan plan = {};
    const auto total = [&](const NetworkOptions & o, int64_t slots) {
        return weights + state + parameters * slots + network_bytes(model, o, shape.rank, common.threads, common.half != nullptr, common.bytes != nullptr);
    };
    plan.options = options;
    plan.slots = most_slots;
    plan.bytes = total(options, most_slots);
    if (ceiling == 0 || plan.bytes <= ceiling) return plan;
    plan.options.checkpointing = true;
    for (const int64_t rows : {options.head_rows, int64_t(64), int64_t(16)}) {
        plan.options.head_rows = std::min(options.head_rows, rows);
        for (const int64_t slots : {most_slots, std::min<int64_t>(most_slots, 2)}) {
            plan.slots = slots;
            plan.bytes = total(plan.options, slots);
            if (plan.bytes <= ceiling) return plan;
        }
    }
    throw Failure(Problem::memoryCeiling, "Training needs about " + mebibytes(size_t(plan.bytes)) + ", and “memoryMiB” allows " +
                                              std::to_string(ceiling >> 20) + ". Use a shorter sequence, a lower rank or fewer targets.");
}

} // namespace argot
