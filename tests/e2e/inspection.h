// `BitsOf` and the functions below inspect what a daemon has left behind: results, database, files,
// sockets and memory.

#ifndef ANNEAL_TESTS_E2E_INSPECTION_H_
#define ANNEAL_TESTS_E2E_INSPECTION_H_

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "tests/e2e/test_daemon.h"

namespace anneal {

// Returns how often tests disturb a daemon: ANNEAL_DISTURBANCES, or 5.
int Disturbances();

// Returns all that a run computed, for comparison: its epochs without times, its test results with
// their digests, its thetas.
std::vector<std::string> BitsOf(const TestDaemon& daemon, const std::string& run);

// Returns the result of PRAGMA integrity_check.
std::string IntegrityOf(const std::string& database);

// Executes statements on a database that no daemon has open.
void Sql(const std::string& database, const std::string& sql);

// Returns the bytes of a file; empty without one.
std::string Contents(const std::string& path);
// Returns the SHA-256 in hexadecimal.
std::string DigestOf(const std::string& bytes);

// Returns the checkpoint files of a run (`EXPERIMENT/NUMBER`), the oldest first, with all other
// files of their directory.
std::vector<std::filesystem::path> CheckpointFilesOf(const TestDaemon& daemon,
                                                     const std::string& run);

// Return the sockets and the resident memory of a process.
int SocketsOf(pid_t process);
int64_t ResidentBytesOf(pid_t process);

}  // namespace anneal

#endif  // ANNEAL_TESTS_E2E_INSPECTION_H_
