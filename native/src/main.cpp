// argot-trainer: trains LoRA adapters on the quantised GGUF that completes code. One request a process, as a JSON line
// on standard input; what happens comes as JSON lines on standard output. See native/README.md.
#include "offload.h"
#include "request.h"

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <new>

namespace {

argot::Session session;

int answer() {
    std::string line;
    if (!session.read_line(line)) throw argot::Failure(argot::Problem::badRequest, "Standard input ended before a request came.");
    const argot::Json request = argot::parse_json(line);
    argot::Fields fields(request, "request");
    const std::string command = fields.text("command");
    session.listen();
    if (fields.flag("lowPriority", false)) argot::lower_priority();
    session.set_share(fields.number("cpuShare", 1, 0.01, 1));
    if (command == "info") argot::run_info(fields, session);
    else if (command == "gradcheck") argot::run_gradcheck(fields, session);
    else if (command == "evaluate") argot::run_evaluate(fields, session);
    else if (command == "train") argot::run_train(fields, session);
    else if (command == "delta") argot::run_delta(fields, session);
    else throw argot::Failure(argot::Problem::badRequest, "“command” must be info, gradcheck, evaluate, train or delta");
    return 0;
}

int report(argot::Problem problem, const std::string & message) {
    const argot::ProblemName name = argot::describe(problem);
    session.emit(argot::Json::make().with("event", "error").with("problem", name.name).with("message", message));
    return name.exit_code;
}

} // namespace

int main(int argc, char ** argv) {
    if (argc > 1) {
        std::printf("argot-trainer %s, for ggml %s\n", argot::trainer_version, ARGOT_GGML_VERSION);
        return std::string(argv[1]) == "--version" ? 0 : 2;
    }
#if !defined(_WIN32)
    std::signal(SIGPIPE, SIG_IGN);
#endif
    argot::on_device_failure = [](const std::string & sentence) { std::_Exit(report(argot::Problem::deviceUnusable, sentence)); };
    int code;
    try {
        code = answer();
    } catch (const argot::Failure & failure) {
        code = report(failure.problem, failure.what());
    } catch (const std::bad_alloc &) {
        code = report(argot::Problem::memoryCeiling, "There is not enough memory. Use a shorter sequence, activation checkpointing or a smaller model.");
    } catch (const std::exception & error) {
        code = report(argot::Problem::internal, std::string("Unexpected: ") + error.what());
    }
    // The thread that listens still waits for input, so nothing is destroyed: the system takes everything back.
    std::fflush(stdout);
    std::_Exit(code);
}
