// `kFilePiece` limits the bytes of a file that one message of a stream carries.

#ifndef ANNEAL_SERVER_API_FILE_PIECE_H_
#define ANNEAL_SERVER_API_FILE_PIECE_H_

#include <cstdint>

namespace anneal::api {

inline constexpr int64_t kFilePiece = 256 << 10;

}  // namespace anneal::api

#endif  // ANNEAL_SERVER_API_FILE_PIECE_H_
