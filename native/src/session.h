// One request a process: a JSON line in, JSON lines out, and control lines while it runs.
#pragma once

#include "fail.h"
#include "json.h"
#include "threads.h"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>

namespace argot {

class Session {
  public:
    /** Writes one line at once, from any thread. */
    void emit(const Json & event);

    /** The next line of standard input; false at its end. Lines above 1 MiB are refused. */
    bool read_line(std::string & line);

    /** From now on {"control": "cancel" | "pause" | "resume"} is obeyed, and so is the end of input: nobody listens any more. */
    void listen();
    void cancel();

    /** Skips what `threads` has not begun once cancelled. */
    void attach(Threads & threads);
    /** Waits while paused, throws once cancelled, and sleeps so much that the share of one processor is kept. */
    void breathe();
    void set_share(double share) { share_ = share; }
    bool cancelled() const { return cancelled_; }
    bool paused() const { return paused_; }
    /** Seconds spent waiting in `breathe`, which are no measure of speed. */
    double waited() const { return waited_; }

  private:
    void control(const std::string & line);
    std::mutex output_, state_;
    std::condition_variable changed_;
    std::atomic<bool> cancelled_{false}, paused_{false};
    std::atomic<Threads *> threads_{nullptr};
    std::atomic<double> waited_{0};
    double share_ = 1;
    std::chrono::steady_clock::time_point worked_since_ = std::chrono::steady_clock::now();
};

/** Calls `tick` twice a second in a thread of its own until destroyed. */
class Ticker {
  public:
    explicit Ticker(std::function<void()> tick);
    ~Ticker();

  private:
    std::function<void()> tick_;
    std::mutex mutex_;
    std::condition_variable end_;
    bool ended_ = false;
    std::thread thread_;
};

double seconds_now();

} // namespace argot
