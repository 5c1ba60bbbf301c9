// What the fused engine does with layers, vectorised with Highway for whatever the processor has.
// All of it works on plain float buffers in channels-last order and allocates nothing. Pure;
// thread-safe.
//
// A layer is affine -> pool -> activation. Its kernels go through one image (conv) or one block of
// images (dense, whose images stand in a row like the pixels of a picture one pixel high): forward
// in tiles of a few positions by 16 channels, which stay in registers; backward through the
// positions that the pool has let pass only.

#ifndef ANNEAL_SERVER_TRAINING_ENGINES_FUSED_KERNELS_H_
#define ANNEAL_SERVER_TRAINING_ENGINES_FUSED_KERNELS_H_

#include <algorithm>
#include <cstdint>

namespace anneal::training::engines::fused {

// Output channels that are worked on together; the channels of z, winners, slopes and biases are
// padded to a multiple of it.
inline constexpr int64_t kBlock = 16;
// Buffers must have this many floats behind their last one: kernels read there, and write there
// what does not matter.
inline constexpr int64_t kSlack = 64;

constexpr int64_t RoundUp(int64_t value) { return (value + kBlock - 1) / kBlock * kBlock; }

// Tiles that Winograd's kernels work on together, at most.
inline constexpr int64_t kWinogradTiles = 12;

// Some channels of a position, of kShareChannels that are gone through together, that pass their
// gradients back to the same window of the input.
inline constexpr int64_t kShareChannels = 64;
struct Share {
  uint64_t channels = 0;  // one bit each
  int32_t gradient = 0;   // where the gradient of the first of all is
  int32_t window = 0;     // where it begins
};

enum class Pooling { kNone, kMax, kAverage };

// A layer as the kernels see it. Every position of the convolution has a window of the input: some
// rows of values that lie next to each other.
struct LayerShape {
  int64_t window_rows = 1;
  int64_t window_row = 1;   // values of each
  int64_t line = 0;         // from one row of a window to the next
  int64_t folded_rows = 0;  // of a folded picture (FoldRows), whose rows have `line` pixels; else 0
  int64_t x_step = 0;       // from a window to its neighbours
  int64_t y_step = 0;
  int64_t input_size = 0;  // values
  Pooling pooling = Pooling::kNone;
  int64_t pool_size = 1;  // 1 without
  // After the pool, which leaves a rest at the right and bottom out.
  int64_t out_height = 1;
  int64_t out_width = 1;
  int64_t out_channels = 1;

  int64_t taps() const { return window_rows * window_row; }
  // Rows padded.
  int64_t padded_taps() const { return window_rows * RoundUp(window_row); }
  int64_t channels() const { return RoundUp(out_channels); }
  int64_t blocks() const { return channels() / kBlock; }
  int64_t conv_width() const { return out_width * pool_size; }
  int64_t pixels() const { return out_height * out_width; }
  // Positions that gradients go back through: of an average, every one that it is of.
  int64_t positions() const {
    return pooling == Pooling::kAverage ? pixels() * pool_size * pool_size : pixels();
  }
  // At most.
  int64_t shares() const { return positions() * shares_per_position(); }
  int64_t shares_per_position() const {
    return pooling == Pooling::kMax ? pool_size * pool_size : 1;
  }
  // A block of few channels runs over, with zeros, into the next pixel's channels below its own:
  // these must be stored after it.
  bool has_whole_blocks() const { return blocks() == 1 || out_channels == channels(); }
  // Whether the forward pass is Winograd's (winograd-inl.h): windows of 3x3 neighbours, pooled 2x2.
  bool uses_winograd() const {
    return window_rows == 3 && window_row == 3 * x_step && y_step == line &&
           pooling == Pooling::kMax && pool_size == 2 && x_step % kBlock == 0 && has_whole_blocks();
  }
  // Whether the forward pass goes by differences of pixels (pictures-inl.h): windows of 4x4
  // neighbours in a folded picture, pooled 2x2.
  bool uses_differences() const {
    return folded_rows == 4 && x_step == 4 && pooling == Pooling::kMax && pool_size == 2 &&
           has_whole_blocks();
  }
  // Of the picture before it was folded, and with room for vectors behind it.
  int64_t picture_size() const { return input_size / 4 + 3 * line; }
  int64_t picture_stride() const { return RoundUp(picture_size()) + 2 * kBlock; }
  // Weights of those forms of the forward pass.
  int64_t transformed_weights() const {
    return uses_winograd() ? 16 * x_step * channels() : uses_differences() ? 36 * channels() : 0;
  }

  // Floats of the buffers that the kernels lay out for themselves.
  int64_t forward_weights() const { return taps() * channels() + transformed_weights(); }
  int64_t forward_scratch() const {
    return uses_winograd()      ? 16 * kWinogradTiles * (x_step + kBlock)
           : uses_differences() ? 3 * picture_stride() + 2 * conv_width() * channels()
                                : pool_size * conv_width() * channels();
  }
};

// Weights as the forward pass reads them ([block][tap][16], zero beyond the channels there are;
// before them those of transformed_weights()) and as the backward pass does ([channel][window
// row][value, padded with zeros]), from [channel][tap]. Where `order` is not null, tap t is read
// from order[t].
void PackForward(const LayerShape& shape, const float* weights, const int32_t* order,
                 float* packed);
void PackBackward(const LayerShape& shape, const float* weights, const int32_t* order,
                  float* packed);
// From the layout of PackBackward to [channel][tap].
void UnpackGradients(const LayerShape& shape, const float* packed, const int32_t* order,
                     float* gradients);

// Turns a picture into one of `rows` values a pixel, those of the pixels below it included: windows
// of so many rows then are of one row, `rows` times as long. [height - rows + 1][width][rows]. Rows
// are 2 to 4.
void FoldRows(const float* picture, int64_t height, int64_t width, int64_t rows, float* folded);

struct ForwardBuffers {
  const float* input = nullptr;    // input_size
  const float* picture = nullptr;  // what a folded input was folded from: picture_size()
  const float* weights = nullptr;  // PackForward: forward_weights()
  const float* bias = nullptr;     // channels()
  // Slopes of the negative side: [pixels()][channels()], or one row for all pixels if the stride is
  // 0.
  const float* slopes = nullptr;
  int64_t slope_stride = 0;
  float* rows = nullptr;  // scratch: forward_scratch()
  // What the activation is given (null: not wanted), and where in the input the window begins whose
  // value the pool let pass (without pool: every window; null where no backward pass follows):
  // [pixels()][channels()].
  float* z = nullptr;
  int32_t* winners = nullptr;
  // First pixel, and distance between rows; pixels are out_channels apart.
  float* output = nullptr;
  int64_t output_row = 0;
};
void Forward(const LayerShape& shape, const ForwardBuffers& buffers);

struct BackwardBuffers {
  const float* input = nullptr;
  const float* weights = nullptr;  // PackBackward
  const float* slopes = nullptr;
  int64_t slope_stride = 0;  // 0 unless there is a slope_gradient
  const int32_t* winners = nullptr;
  // What the activation was given; read where there is a slope_gradient.
  const float* z = nullptr;
  // What the activation made of it, and its gradient, both laid out as the forward pass did. The
  // former is read where there is no slope_gradient, for its sign: slopes are 0 or more.
  const float* output = nullptr;
  const float* output_gradient = nullptr;
  int64_t output_row = 0;
  // Scratch: [positions()][channels()], the second for averages only.
  float* gradient = nullptr;
  int32_t* window = nullptr;
  // Scratch: twice as many as shares(), and two. Unused without a gradient of the input.
  Share* shares = nullptr;
  // Sums that this adds to: [channels()]; like the slopes, of gradient times z where z < 0 (null:
  // not wanted); and in the layout of PackBackward.
  float* bias_gradient = nullptr;
  float* slope_gradient = nullptr;
  float* weight_gradient = nullptr;
  // Gradient of the input, input_size. Null: not wanted.
  float* input_gradient = nullptr;
};
void Backward(const LayerShape& shape, const BackwardBuffers& buffers);

}  // namespace anneal::training::engines::fused

#endif  // ANNEAL_SERVER_TRAINING_ENGINES_FUSED_KERNELS_H_
