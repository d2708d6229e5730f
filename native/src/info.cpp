// `info`: what the model is, what computes, and how much memory training with given settings takes.
#include "request.h"
#include "train_settings.h"

#include <map>

namespace argot {

void run_info(Fields & fields, Session & session) {
    const Common common = read_common(fields);
    const Model & m = common.model;
    const bool devices = fields.flag("devices", false);
    const AdapterShape shape = read_shape(fields);
    NetworkOptions options;
    options.capacity = fields.integer("sequence", 256, 2, 1 << 20);
    fields.finish();

    std::map<std::string, int64_t> types;
    for (const auto & tensor : m.gguf.tensors) types[common.ggml.type_name(tensor.second.type)]++;
    Json by_type = Json::make();
    for (const auto & [type, count] : types) by_type.object[type] = Json::of(count);

    Json list = Json::list();
    if (devices) {
        for (const Device & d : list_devices(common.ggml)) {
            list.array.push_back(Json::make().with("name", d.name).with("description", d.description).with("gpu", d.gpu).with("memoryBytes", int64_t(d.memory_total)));
        }
    }
    const MemoryPlan plain = plan_memory(common, shape, options, 0, false);
    options.checkpointing = true;
    const MemoryPlan sparing = plan_memory(common, shape, options, 0, false);
    session.emit(Json::make()
                     .with("event", "result")
                     .with("trainer", trainer_version)
                     .with("ggml", Json::make().with("version", common.ggml.version).with("commit", common.ggml.commit).with("release", common.ggml.release))
                     .with("architecture", m.architecture)
                     .with("name", m.name)
                     .with("layers", m.layers)
                     .with("width", m.width)
                     .with("vocabulary", m.vocabulary)
                     .with("context", m.context)
                     .with("tiedEmbeddings", m.tied)
                     .with("tensors", std::move(by_type))
                     .with("parameters", parameter_count(m, shape, Matrices::both))
                     .with("kernels", common.kernels->name)
                     .with("precision", common.precision())
                     .with("threads", common.threads)
                     .with("devices", std::move(list))
                     .with("memoryBytes", plain.bytes)
                     .with("memoryCheckpointingBytes", sparing.bytes));
}

} // namespace argot
