// What a disturbance has left, for tests to compare with what it should have.

#ifndef ANNEAL_TESTS_E2E_EVIDENCE_H_
#define ANNEAL_TESTS_E2E_EVIDENCE_H_

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "tests/e2e/test_daemon.h"

namespace anneal {

// How often an experiment is disturbed. ANNEAL_DISTURBANCES=50 for a night.
int Disturbances();

// What a run computed: its epochs without their times, its test results with their digests.
std::vector<std::string> BitsOf(const TestDaemon& daemon, const std::string& run);

// The answer of PRAGMA integrity_check.
std::string IntegrityOf(const std::string& database);

// Runs statements on a database that no daemon has open.
void Sql(const std::string& database, const std::string& sql);

// The bytes of a file; none if it is not there.
std::string Contents(const std::string& path);
// SHA-256 in hexadecimal.
std::string DigestOf(const std::string& bytes);

// The checkpoint files of a run (`EXPERIMENT/NUMBER`), the oldest first, with whatever else lies
// beside them.
std::vector<std::filesystem::path> CheckpointFilesOf(const TestDaemon& daemon,
                                                     const std::string& run);

// What a process holds of the machine.
int SocketsOf(pid_t process);
int64_t ResidentBytesOf(pid_t process);

}  // namespace anneal

#endif  // ANNEAL_TESTS_E2E_EVIDENCE_H_
