// A fixed set of threads that share out numbered tasks. Which thread runs a task is left to chance; what the task
// computes must not depend on it.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace argot {

class Threads {
  public:
    explicit Threads(int count);
    ~Threads();
    Threads(const Threads &) = delete;
    Threads & operator=(const Threads &) = delete;
    int count() const { return int(workers_.size()) + 1; }

    /** Runs task(index, worker) for each index in [0, tasks); the caller works too. */
    void run(int64_t tasks, const std::function<void(int64_t, int)> & task) { share_out(tasks, task, false); }
    /** The same, but once `stop` is set, tasks not yet begun are skipped: the results are not to be used then. */
    void run_unless_stopped(int64_t tasks, const std::function<void(int64_t, int)> & task) { share_out(tasks, task, true); }

    /** Set by the thread that listens, on a cancel. */
    std::atomic<bool> stop{false};

  private:
    void share_out(int64_t tasks, const std::function<void(int64_t, int)> & task, bool stoppable);
    void work(int worker);
    void loop(int worker);
    std::vector<std::thread> workers_;
    std::mutex mutex_;
    std::condition_variable wake_, done_;
    const std::function<void(int64_t, int)> * task_ = nullptr;
    std::atomic<int64_t> next_{0};
    int64_t tasks_ = 0;
    bool stoppable_ = false;
    std::atomic<uint64_t> generation_{0};
    std::atomic<int> busy_{0};
    bool quit_ = false;
};

/** Asks the system to run this process only when nobody else wants the processor. */
void lower_priority();

} // namespace argot
