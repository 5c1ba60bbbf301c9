// These functions read the state that a daemon leaves behind - results, database, files, process
// resources - so that tests can compare it with the expected one.

#ifndef ANNEAL_TESTS_E2E_DAEMON_STATE_H_
#define ANNEAL_TESTS_E2E_DAEMON_STATE_H_

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "tests/e2e/test_daemon.h"

namespace anneal {

// Returns the number of faults per experiment; ANNEAL_DISTURBANCES=50 for a long test.
int Disturbances();

// Returns the results of a run: its epochs without times, the digests of its weights, and its test
// results.
std::vector<std::string> BitsOf(const TestDaemon& daemon, const std::string& run);

// Returns the result of PRAGMA integrity_check.
std::string IntegrityOf(const std::string& database);

// Executes statements on a database that no daemon has open.
void Sql(const std::string& database, const std::string& sql);

// Returns the contents of a file; empty if it does not exist.
std::string Contents(const std::string& path);
// Returns the SHA-256 in hexadecimal.
std::string DigestOf(const std::string& bytes);

// Returns the checkpoint files of a run (`EXPERIMENT/NUMBER`), oldest first, including any other
// files in their directory.
std::vector<std::filesystem::path> CheckpointFilesOf(const TestDaemon& daemon,
                                                     const std::string& run);

// The resources of a process.
int SocketsOf(pid_t process);
int64_t ResidentBytesOf(pid_t process);

}  // namespace anneal

#endif  // ANNEAL_TESTS_E2E_DAEMON_STATE_H_
