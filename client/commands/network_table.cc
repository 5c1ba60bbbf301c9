#include "client/commands/network_table.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "client/render/table.h"

namespace anneal::client::commands {

std::string NetworkTable(const v1::NetworkSummary& network) {
  using Align = render::Table::Align;
  render::Table table({{"layer", "LAYER", Align::kLeft},
                       {"output", "OUTPUT", Align::kLeft},
                       {"parameters", "PARAMETERS"},
                       {"thetas", "θ"},
                       {"multiply_adds", "MULTIPLY-ADDS"}});
  for (const v1::LayerSummary& layer : network.layers()) {
    table.AddRow({layer.description(), absl::StrJoin(layer.output_shape(), "x"),
                  absl::StrCat(layer.parameter_count()), absl::StrCat(layer.theta_count()),
                  absl::StrCat(layer.multiply_adds())});
  }
  table.AddRow({"all", "", absl::StrCat(network.parameter_count()),
                absl::StrCat(network.theta_count()), absl::StrCat(network.multiply_adds())});
  return table.ToText();
}

}  // namespace anneal::client::commands
