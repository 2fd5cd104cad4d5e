#include "envs/pde_players.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <string>
#include <utility>

#include "core/check.h"
#include "envs/number_text.h"
#include "envs/pde_actions.h"

namespace turnhalle::pde {
namespace {

constexpr std::size_t kRefined = 60;  // supports that are fitted again with weights
constexpr int kReweightings = 3;
constexpr std::int64_t kProfilePoints = 200;

const Observable& observable_of(const PlayerView& view) {
  const auto* observable = dynamic_cast<const Observable*>(&view.environment);
  check(observable != nullptr, "a player of pde_discovery plays pde_discovery");
  return *observable;
}

// An explanation and what it costs: the lower the better.
struct Explanation {
  double criterion = 0.0;
  std::vector<std::size_t> support;
  Equation equation;
};

bool better(const Explanation& one, const Explanation& other) {
  return one.criterion < other.criterion;
}

// Inner products of all terms and y (the last row and column) over the points.
using Gram = std::array<std::array<double, kTerms + 1>, kTerms + 1>;

Gram gram_of(std::span<const Point> points) {
  Gram gram{};
  for (const Point& point : points) {
    std::array<double, kTerms + 1> row{};
    for (std::size_t i = 0; i < kTerms; ++i) row[i] = term_value(i, point.u);
    row[kTerms] = point.y;
    for (std::size_t i = 0; i <= kTerms; ++i) {
      for (std::size_t j = 0; j <= kTerms; ++j) gram[i][j] += row[i] * row[j];
    }
  }
  return gram;
}

// The sum of squared errors that is left after fitting a support: eliminates its rows.
double squares_left(const Gram& gram, std::span<const std::size_t> support) {
  std::array<std::size_t, 4> order{};
  std::copy(support.begin(), support.end(), order.begin());
  const std::size_t n = support.size();
  order[n] = kTerms;
  std::array<std::array<double, 4>, 4> a{};
  for (std::size_t i = 0; i <= n; ++i) {
    for (std::size_t j = 0; j <= n; ++j) a[i][j] = gram[order[i]][order[j]];
  }
  for (std::size_t pivot = 0; pivot < n; ++pivot) {
    if (!(a[pivot][pivot] > 0.0)) continue;
    for (std::size_t i = pivot + 1; i <= n; ++i) {
      const double factor = a[i][pivot] / a[pivot][pivot];
      for (std::size_t j = pivot; j <= n; ++j) a[i][j] -= factor * a[pivot][j];
    }
  }
  return a[n][n];
}

// The standard deviation of y − f(u) at a point, if the equation is right.
double deviation(const Seen& seen, const Equation& equation, const Point& point) {
  return std::hypot(seen.noise_y, seen.noise_u * equation.derivative(point.u)) + 1e-12;
}

// Fits with weights that depend on the fit; false where the points do not determine it.
bool refine(const Seen& seen, Explanation& explanation) {
  Scored scored;
  if (!fit(seen.points, explanation.support, {}, scored)) return false;
  std::vector<double> weights(seen.points.size());
  for (int round = 0; round < kReweightings; ++round) {
    for (std::size_t i = 0; i < weights.size(); ++i) {
      weights[i] = seen.noise_y / deviation(seen, scored.equation, seen.points[i]);
    }
    if (!fit(seen.points, explanation.support, weights, scored)) return false;
  }
  double criterion = static_cast<double>(explanation.support.size()) *
                     std::log(static_cast<double>(seen.points.size()));
  for (const Point& point : seen.points) {
    const double sigma = deviation(seen, scored.equation, point);
    const double error = (point.y - scored.equation.value(point.u)) / sigma;
    criterion += error * error + 2.0 * std::log(sigma);
  }
  explanation.criterion = criterion;
  explanation.equation = std::move(scored.equation);
  return true;
}

class PdePlayer : public Player {
 public:
  explicit PdePlayer(PromptStyle style) : compact_(style == PromptStyle::compact) {}

 protected:
  std::string hints(const std::string& facts) const {
    if (compact_) return " <hint> " + facts + "</hint>";
    return "--- Start of updated hints ---\n### Equation\n" + facts +
           "\n--- End of updated hints ---";
  }

  static std::string action(const std::string& name, const std::string& text) {
    return "<answer><" + name + ">" + text + "</" + name + "></answer>";
  }

  static std::string sample(const std::vector<std::pair<double, double>>& places) {
    std::string text;
    for (const auto& [x, t] : places) {
      text += (text.empty() ? "" : "; ") + fixed_digits(x, 4) + "," + fixed_digits(t, 4);
    }
    return action("sample", text);
  }

 private:
  bool compact_;
};

class Expert final : public PdePlayer {
 public:
  using PdePlayer::PdePlayer;

  std::string play(const PlayerView& view, RandomKey) override {
    const Seen& seen = observable_of(view).seen();
    if (view.kind == EpisodeKind::update_context) {
      return hints(best_.parts.empty() ? "Nothing is known yet." : "f(u) = " + text_of(best_));
    }
    if (view.turn == 0 && seen.points_left > 0) return sample(places(seen));
    if (seen.shown.empty()) {
      std::string text;
      for (const Equation& equation : best_explanations(seen, kCandidatesMax)) {
        text += (text.empty() ? "" : "; ") + text_of(equation);
      }
      return action("score", text);
    }
    best_ = seen.shown.front().equation;
    return action("finalise", text_of(best_));
  }

 private:
  // Where u(x, 0) reaches 1/n, 2/n, … of its largest value first; at t = 0 it is largest.
  static std::vector<std::pair<double, double>> places(const Seen& seen) {
    const auto profile = [&seen](std::int64_t i) {
      return seen.start.at(static_cast<double>(i) / kProfilePoints);
    };
    double highest = 0.0;
    for (std::int64_t i = 0; i <= kProfilePoints; ++i) highest = std::max(highest, profile(i));
    std::vector<std::pair<double, double>> chosen;
    for (std::int64_t n = 1; n <= seen.points_left; ++n) {
      const double wanted =
          highest * static_cast<double>(n) / static_cast<double>(seen.points_left);
      std::int64_t nearest = 0;
      for (std::int64_t i = 0; i <= kProfilePoints; ++i) {
        if (std::abs(profile(i) - wanted) < std::abs(profile(nearest) - wanted)) nearest = i;
      }
      chosen.emplace_back(static_cast<double>(nearest) / kProfilePoints, 0.0);
    }
    return chosen;
  }

  Equation best_;
};

class Oracle final : public PdePlayer {
 public:
  using PdePlayer::PdePlayer;

  std::string play(const PlayerView& view, RandomKey) override {
    const std::string truth = text_of(observable_of(view).hidden_equation());
    if (view.kind == EpisodeKind::update_context) return hints("f(u) = " + truth);
    return action(observable_of(view).seen().shown.empty() ? "score" : "finalise", truth);
  }
};

class RandomPlayer final : public PdePlayer {
 public:
  using PdePlayer::PdePlayer;

  std::string play(const PlayerView& view, RandomKey key) override {
    if (view.kind == EpisodeKind::update_context) return hints("Nothing is known yet.");
    const Seen& seen = observable_of(view).seen();
    Random random(key);
    if (seen.points_left > 0) {
      std::vector<std::pair<double, double>> places;
      for (std::int64_t i = 0; i < seen.points_left; ++i) {
        const double x = random.uniform();
        places.emplace_back(x, random.uniform());
      }
      return sample(places);
    }
    if (!seen.shown.empty()) {
      return action("finalise", text_of(seen.shown[random.below(seen.shown.size())].equation));
    }
    Equation equation;
    const std::uint64_t first = random.below(kTerms);
    equation.parts.push_back({first, coefficient(random)});
    if (random.chance(1, 2)) {
      const std::uint64_t other = (first + 1 + random.below(kTerms - 1)) % kTerms;
      equation.parts.push_back({other, coefficient(random)});
    }
    return action("score", text_of(equation));
  }

 private:
  static double coefficient(Random& random) {
    const double magnitude = rounded(random.uniform(0.5, 2.0));
    return random.chance(1, 2) ? magnitude : -magnitude;
  }
};

}  // namespace

std::vector<Equation> best_explanations(const Seen& seen, std::size_t count) {
  std::array<std::size_t, kTerms> terms{};
  std::iota(terms.begin(), terms.end(), std::size_t{0});
  const Gram gram = gram_of(seen.points);
  const auto n = static_cast<double>(seen.points.size());
  std::vector<Explanation> all;
  for_each_support(terms, seen.terms_max, [&](std::span<const std::size_t> support) {
    const double left = std::max(squares_left(gram, support), 1e-14) / n;
    const double criterion = n * std::log(left) + std::log(n) * static_cast<double>(support.size());
    all.push_back({criterion, {support.begin(), support.end()}, {}});
  });
  std::stable_sort(all.begin(), all.end(), better);
  all.resize(std::min(all.size(), kRefined));
  std::erase_if(all, [&seen](Explanation& explanation) { return !refine(seen, explanation); });
  std::stable_sort(all.begin(), all.end(), better);
  std::vector<Equation> best;
  for (std::size_t i = 0; i < std::min(count, all.size()); ++i) best.push_back(all[i].equation);
  if (best.empty()) best.push_back({{{0, 1.0}}});
  return best;
}

std::unique_ptr<Player> make_player(std::string_view role, PromptStyle style) {
  if (role == "expert") return std::make_unique<Expert>(style);
  if (role == "oracle") return std::make_unique<Oracle>(style);
  if (role == "random") return std::make_unique<RandomPlayer>(style);
  return nullptr;
}

}  // namespace turnhalle::pde
