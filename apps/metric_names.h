// What the numbers of a training run's metrics.jsonl and TensorBoard files mean.
#pragma once

#include <string>
#include <vector>

namespace turnhalle::app {

struct MetricName {
  std::string name;     ///< verl's name; N stands for a number
  std::string summary;  ///< one line, with its unit
  std::string alias;    ///< TRL's name of the same number, which is written too; may be empty
};

/// Every metric that the trainer writes, sorted by name.
std::vector<MetricName> metric_names();

}  // namespace turnhalle::app
