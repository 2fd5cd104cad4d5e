#include "trainers/metrics.h"

#include <array>
#include <cerrno>
#include <chrono>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <utility>

#include "core/json.h"

namespace turnhalle {
namespace {

constexpr std::array<std::pair<const char*, const char*>, 10> kAliases = {{
    {"critic/rewards/mean", "reward"},
    {"critic/rewards/std", "reward_std"},
    {"actor/entropy", "entropy"},
    {"actor/pg_loss", "loss"},
    {"actor/grad_norm", "grad_norm"},
    {"actor/lr", "learning_rate"},
    {"timing_s/step", "step_time"},
    {"response_length/mean", "completions/mean_length"},
    {"training/zero_variance_groups", "frac_reward_zero_std"},
    {"training/rollout_logprob_abs_diff", "sampling/sampling_logp_difference/mean"},
}};

double wall_time() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration<double>(now).count();
}

}  // namespace

Status keep_lines_until(const std::string& path, std::int64_t last_step) {
  std::ifstream in(path);
  if (!in) {
    return ok_status();
  }
  std::string kept;
  std::string line;
  while (std::getline(in, line)) {
    const Json value = Json::parse(line, nullptr, /*allow_exceptions=*/false);
    if (!value.is_object() || value.value("step", std::int64_t{-1}) > last_step) continue;
    kept += line + "\n";
  }
  return write_file(path, kept);
}

Status append_lines(const std::string& path, const std::vector<Json>& lines) {
  std::ofstream out(path, std::ios::app);
  for (const Json& line : lines) out << line.dump() << "\n";
  out << std::flush;
  if (!out) {
    return Error{path, std::string("cannot be written: ") + std::strerror(errno)};
  }
  return ok_status();
}

void add_trl_aliases(StepMetrics& metrics) {
  for (const auto& [name, alias] : kAliases) {
    const auto found = metrics.find(name);
    if (found != metrics.end()) metrics[alias] = found->second;
  }
}

Result<std::unique_ptr<MetricsLog>> MetricsLog::open(const std::string& folder,
                                                     std::int64_t last_step) {
  const std::string path = folder + "/metrics.jsonl";
  if (Status kept = keep_lines_until(path, last_step); !kept) {
    return kept.error();
  }
  Result<std::unique_ptr<TensorBoardWriter>> board =
      TensorBoardWriter::create(folder + "/tb", wall_time(), "turnhalle");
  if (!board) {
    return board.error();
  }
  return std::unique_ptr<MetricsLog>(new MetricsLog(path, *std::move(board)));
}

Status MetricsLog::write(std::int64_t step, const std::string& phase, const StepMetrics& metrics) {
  Json line = {{"step", step}, {"phase", phase}};
  const double now = wall_time();
  for (const auto& [name, value] : metrics) {
    if (std::isfinite(value)) {
      line[name] = value;
      board_->scalar(now, step, name, value);
    } else {
      line[name] = nullptr;
    }
  }
  board_->flush();
  return append_lines(path_, {line});
}

}  // namespace turnhalle
