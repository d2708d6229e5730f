#include "session.h"

#include <cstdio>

namespace argot {

namespace {
constexpr size_t longest_line = 1 << 20;
}

double seconds_now() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

void Session::emit(const Json & event) {
    const std::string line = write_json(event) + "\n";
    const std::lock_guard<std::mutex> lock(output_);
    std::fwrite(line.data(), 1, line.size(), stdout);
    std::fflush(stdout);
}

bool Session::read_line(std::string & line) {
    line.clear();
    int c;
    while ((c = std::getchar()) != EOF) {
        if (c == '\n') return true;
        line += char(c);
        if (line.size() > longest_line) throw Failure(Problem::badRequest, "A line of standard input is longer than 1 MiB.");
    }
    return !line.empty();
}

void Session::cancel() {
    cancelled_ = true;
    if (Threads * threads = threads_) threads->stop = true;
    const std::lock_guard<std::mutex> lock(state_);
    changed_.notify_all();
}

void Session::control(const std::string & line) {
    const Json json = parse_json(line);
    Fields fields(json, "control line");
    const std::string what = fields.text("control");
    fields.finish();
    if (what == "cancel") return cancel();
    if (what != "pause" && what != "resume") throw Failure(Problem::badRequest, "control line: “control” must be cancel, pause or resume");
    const std::lock_guard<std::mutex> lock(state_);
    paused_ = what == "pause";
    changed_.notify_all();
}

void Session::listen() {
    std::thread([this] {
        std::string line;
        for (;;) {
            try {
                if (!read_line(line)) return cancel();
                if (!line.empty()) control(line);
            } catch (const Failure & failure) {
                emit(Json::make().with("event", "warning").with("message", failure.what()));
            }
        }
    }).detach();
}

void Session::attach(Threads & threads) {
    threads_ = &threads;
    if (cancelled_) threads.stop = true;
}

void Session::breathe() {
    const auto now = std::chrono::steady_clock::now();
    if (share_ < 1) {
        const std::chrono::duration<double> worked = now - worked_since_;
        std::unique_lock<std::mutex> lock(state_);
        changed_.wait_for(lock, worked * (1 / share_ - 1), [&] { return cancelled_.load(); });
    }
    if (paused_) {
        std::unique_lock<std::mutex> lock(state_);
        changed_.wait(lock, [&] { return cancelled_ || !paused_; });
    }
    worked_since_ = std::chrono::steady_clock::now();
    waited_ = waited_ + std::chrono::duration<double>(worked_since_ - now).count();
    if (cancelled_) throw Failure(Problem::cancelled, "Cancelled.");
}

Ticker::Ticker(std::function<void()> tick) : tick_(std::move(tick)) {
    thread_ = std::thread([this] {
        std::unique_lock<std::mutex> lock(mutex_);
        while (!end_.wait_for(lock, std::chrono::milliseconds(500), [&] { return ended_; })) tick_();
    });
}

Ticker::~Ticker() {
    {
        const std::lock_guard<std::mutex> lock(mutex_);
        ended_ = true;
    }
    end_.notify_all();
    thread_.join();
}

} // namespace argot
