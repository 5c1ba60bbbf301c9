#include "server/api/services.h"

#include "server/api/experiment_service.h"
#include "server/api/info_services.h"
#include "server/api/run_service.h"

namespace anneal::api {

std::vector<std::unique_ptr<grpc::Service>> MakeServices(const Services& services) {
  std::vector<std::unique_ptr<grpc::Service>> all;
  all.push_back(std::make_unique<ExperimentService>(services));
  all.push_back(std::make_unique<RunService>(services));
  all.push_back(std::make_unique<PresetService>(services));
  all.push_back(std::make_unique<ServerService>(services));
  return all;
}

}  // namespace anneal::api
