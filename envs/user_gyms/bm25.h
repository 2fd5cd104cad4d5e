// Ranking of texts by the words of a query: Okapi BM25.
//
//     score(d) = sum over words w of the query, each once, of
//                idf(w) * f(w, d) (k1 + 1) / (f(w, d) + k1 (1 - b + b |d| / mean length))
//     idf(w)   = ln(1 + (n - n(w) + 0.5) / (n(w) + 0.5))
//
// with k1 = 1.2, b = 0.75; f counts the word in the text, n(w) the texts that hold it.
// Robertson and Zaragoza 2009, "The probabilistic relevance framework: BM25 and beyond".
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace turnhalle::user_gyms {

class Bm25 {
 public:
  /// Texts are known by their places from now on.
  explicit Bm25(const std::vector<std::string>& texts);
  /// At most `count` places, the best first, the first of equals first; only texts that hold a
  /// word of the query.
  std::vector<std::size_t> best(std::string_view query, std::size_t count) const;
  double score(std::string_view query, std::size_t place) const;

 private:
  std::vector<std::map<std::string, double>> counts_;  ///< of each word, per text
  std::vector<double> lengths_;
  std::map<std::string, double> holders_;  ///< texts that hold a word
  double mean_length_ = 1.0;
};

}  // namespace turnhalle::user_gyms
