// `evaluate`: the loss of each example under the base model and under any stacks of adapters.
#include "dataset.h"
#include "request.h"
#include "train_settings.h"

#include <cmath>

namespace argot {

namespace {

struct Totals {
    double loss = 0, weight = 0;
    int64_t tokens = 0, labelled = 0;
};

// Emits an event for each example, in the data's order within a pack, and returns the sums.
Totals evaluate_stack(Session & session, Network<float> & network, const std::vector<Example> & examples, int64_t capacity, int64_t stack) {
    std::vector<uint32_t> order(examples.size());
    for (size_t i = 0; i < order.size(); i++) order[i] = uint32_t(i);
    Totals totals;
    for (const auto & members : pack_examples(examples, order, capacity, SIZE_MAX)) {
        const Pack pack = make_pack(examples, members, [](uint32_t) { return 1.0; });
        const std::vector<double> losses = evaluate(network, pack);
        session.breathe();
        size_t at = 0;
        for (const uint32_t index : members) {
            double sum = 0, weighted = 0;
            for (int64_t i = 0; i < examples[index].labelled; i++, at++) {
                sum += losses[at];
                weighted += losses[at] * pack.labels[at].weight;
            }
            if (!std::isfinite(sum)) throw Failure(Problem::modelInvalid, "The loss is not a finite number: the model or an adapter is damaged.");
            totals.loss += weighted;
            totals.weight += examples[index].total;
            totals.labelled += examples[index].labelled;
            session.emit(Json::make().with("event", "example").with("stack", stack).with("example", int64_t(index)).with("loss", sum).with("tokens", examples[index].labelled));
        }
        totals.tokens += int64_t(pack.tokens.size());
    }
    return totals;
}

} // namespace

void run_evaluate(Fields & fields, Session & session) {
    const Common common = read_common(fields);
    const std::string data = fields.text("data");
    NetworkOptions options;
    options.capacity = fields.integer("sequence", 256, 2, common.model.context);
    const Json * given = fields.member("stacks", Json::Kind::array);
    std::vector<std::vector<FrozenAdapter>> stacks;
    if (given) {
        for (const Json & stack : given->array) {
            if (stack.kind != Json::Kind::array) throw Failure(Problem::badRequest, "“stacks” must be a list of lists of adapters; an empty list is the base model");
            stacks.push_back(read_stack(common, stack, "“stacks”"));
        }
    } else {
        stacks.emplace_back();
    }
    fields.finish();
    const std::vector<Example> examples = load_examples(data, common.model.vocabulary, options.capacity);
    options = plan_memory(common, AdapterShape{}, options, 0, false).options;
    Threads threads(common.threads);
    session.attach(threads);
    const auto offload = open_device(common, false, threads);
    Json results = Json::list();
    const double started = seconds_now();
    int64_t tokens = 0;
    for (size_t i = 0; i < stacks.size(); i++) {
        const auto network = make_network<float>(common.model, make_machine<float>(*common.kernels, common.half, common.bytes, threads, offload.get()), options, nullptr, stacks[i]);
        network->breathe = [&session] { session.breathe(); };
        const Totals totals = evaluate_stack(session, *network, examples, options.capacity, int64_t(i));
        tokens += totals.tokens;
        results.array.push_back(Json::make().with("loss", totals.loss / totals.weight).with("tokens", totals.labelled));
    }
    const double seconds = seconds_now() - started;
    session.emit(Json::make().with("event", "result").with("stacks", results).with("seconds", seconds).with("tokensPerSecond", double(tokens) / seconds));
}

} // namespace argot
