// `delta`: between adapters and the raw float32 vectors that federation adds up (order: adapter.h, flatten).
#include "request.h"

#include <cmath>
#include <cstring>

namespace argot {

namespace {

// The adapter that a delta is counted from: a file, or the seeded start of a shape.
Adapter read_start(Fields & fields, const Common & common) {
    const std::string start = fields.text("start", "");
    const AdapterShape shape = read_shape(fields);
    const uint64_t seed = uint64_t(fields.integer("seed", 1, 0, int64_t(1) << 53));
    return start.empty() ? seeded_adapter(common.model, shape, seed) : load_checked(common, start);
}

bool same_shape(const AdapterShape & x, const AdapterShape & y) { return x.rank == y.rank && x.targets == y.targets; }

std::vector<float> read_floats(const std::string & path, size_t count) {
    const std::string bytes = read_file(path);
    if (bytes.size() != count * sizeof(float)) {
        throw Failure(Problem::adapterMismatch, path + " has " + std::to_string(bytes.size()) + " bytes where " + std::to_string(count * sizeof(float)) + " belong: it is of another shape or mode.");
    }
    std::vector<float> values(count);
    std::memcpy(values.data(), bytes.data(), bytes.size());
    for (const float value : values) {
        if (!std::isfinite(value)) throw Failure(Problem::adapterInvalid, path + " holds a value that is not finite.");
    }
    return values;
}

} // namespace

void run_delta(Fields & fields, Session & session) {
    const Common common = read_common(fields);
    const Matrices mode = read_mode(fields);
    Adapter start = read_start(fields, common);
    const std::string output = fields.text("output"), adapter_path = fields.text("trained", ""), delta_path = fields.text("delta", "");
    const float scale = float(fields.number("scale", 1, -1e6, 1e6));
    const Json * card = fields.member("card", Json::Kind::object);
    const Json own_card = card ? *card : Json::make();
    fields.finish();
    if (adapter_path.empty() == delta_path.empty()) {
        throw Failure(Problem::badRequest, "Give either “trained”, to export its difference from the start, or “delta”, to add it to the start.");
    }
    const int64_t count = parameter_count(common.model, start.shape, mode);
    if (!adapter_path.empty()) {
        const Adapter adapter = load_checked(common, adapter_path);
        if (!same_shape(adapter.shape, start.shape)) throw Failure(Problem::adapterMismatch, adapter_path + " has another rank or other targets than the start.");
        std::vector<float> values = flatten(adapter, mode);
        const std::vector<float> from = flatten(start, mode);
        for (size_t i = 0; i < values.size(); i++) values[i] = (values[i] - from[i]) * scale;
        const auto * bytes = reinterpret_cast<const uint8_t *>(values.data());
        write_file_atomically(output, std::vector<uint8_t>(bytes, bytes + values.size() * sizeof(float)));
    } else {
        unflatten(start, mode, read_floats(delta_path, size_t(count)), scale, true);
        write_file_atomically(output, encode_adapter(start, common.model, common.model_sha256, own_card));
    }
    session.emit(Json::make().with("event", "result").with("values", count));
}

} // namespace argot
