// `Forward` and `Backward` are the fused engine's kernels, vectorised with Highway and dispatched
// at run time to the best target that the processor supports. The Pack functions prepare their
// weights.
//
// A layer is affine -> pool -> activation; affine is a convolution or a linear map. A kernel call
// processes one image of a conv layer or one block of images of a dense layer, whose images take
// the place of the pixels of a feature map of height 1. The forward pass computes register tiles of
// a few positions by 16 output channels; the backward pass visits only the positions that pooling
// passed on.
//
// Memory layout. Feature maps are float32, channels-last, one image at a time: row-major [h, w, c].
// The network stores a conv layer's weights, and their gradients, as row-major [out, k, k, in], in
// short [out][tap]; the kernels read packed copies. Strides and offsets are in elements.
//
// Padding. Buffers are padded by kSlack elements; kernels may read and clobber the padding. Output
// channels are padded to a multiple of kBlock, see LayerShape::channels().
//
// The kernels allocate nothing and report no errors: shapes and sizes are preconditions. The caller
// owns all buffers; an output must not overlap another argument. Thread-safe as long as concurrent
// calls write to different buffers.

#ifndef ANNEAL_SERVER_TRAINING_ENGINES_FUSED_KERNELS_H_
#define ANNEAL_SERVER_TRAINING_ENGINES_FUSED_KERNELS_H_

#include <algorithm>
#include <cstdint>

namespace anneal::training::engines::fused {

// Size of a block of output channels. The channels of z, argmax, slopes and biases are padded to a
// multiple of it.
inline constexpr int64_t kBlock = 16;
// Elements of padding behind the last element of each buffer.
inline constexpr int64_t kSlack = 64;

// Returns the smallest multiple of kBlock that is at least `value`.
constexpr int64_t RoundUp(int64_t value) { return (value + kBlock - 1) / kBlock * kBlock; }

// Largest number of tiles in one batched product of the Winograd kernels.
inline constexpr int64_t kWinogradTiles = 12;

// Number of channels that a scatter group's bitmask covers.
inline constexpr int64_t kScatterChannels = 64;
// An entry of the gradient scatter list: the channels of one position whose gradients are scattered
// to the same window of the input. With max-pooling these are the channels whose argmax is the same
// window.
struct ScatterGroup {
  uint64_t channels = 0;        // bitmask
  int32_t gradient_offset = 0;  // of the gradient of channel 0 of the mask
  int32_t window_offset = 0;    // of the window's first value in the input
};

enum class Pooling { kNone, kMax, kAverage };

// Geometry of a layer. Each position of the convolution reads a window of the input: `window_rows`
// rows of `window_row_size` contiguous values. For a conv layer these are k and k * in_channels;
// for a dense layer, 1 and the number of inputs.
struct LayerShape {
  int64_t window_rows = 1;
  int64_t window_row_size = 1;
  // Row stride of the input. Of a folded input (FoldRows): that of the image before it was folded.
  int64_t row_stride = 0;
  int64_t folded_rows = 0;  // rows that FoldRows interleaved; 0 for an input that is not folded
  // Distance between the windows of horizontally and of vertically adjacent positions: the
  // convolution's stride times the input's pixel stride or row stride.
  int64_t x_stride = 0;
  int64_t y_stride = 0;
  int64_t input_size = 0;  // elements of the input, zero padding of the convolution included
  Pooling pooling = Pooling::kNone;
  int64_t pool_size = 1;  // 1 without pooling
  // Shape of the output, after pooling. Pooling drops incomplete windows at the right and bottom.
  int64_t out_height = 1;
  int64_t out_width = 1;
  int64_t out_channels = 1;

  int64_t taps() const { return window_rows * window_row_size; }
  // Taps with each window row padded to a multiple of kBlock.
  int64_t padded_taps() const { return window_rows * RoundUp(window_row_size); }
  int64_t channels() const { return RoundUp(out_channels); }
  int64_t blocks() const { return channels() / kBlock; }
  int64_t conv_width() const { return out_width * pool_size; }
  int64_t pixels() const { return out_height * out_width; }
  // Number of positions that the backward pass visits: one a pixel, or with average pooling every
  // position of the convolution.
  int64_t positions() const {
    return pooling == Pooling::kAverage ? pixels() * pool_size * pool_size : pixels();
  }
  // Upper bounds on the scatter groups of kScatterChannels channels.
  int64_t max_scatter_groups() const { return positions() * scatter_groups_per_position(); }
  int64_t scatter_groups_per_position() const {
    return pooling == Pooling::kMax ? pool_size * pool_size : 1;
  }
  // True if the layer has one block, or none that is incomplete. An incomplete block is stored with
  // its padding channels, as zeros over the next pixel's first channels, which must be stored
  // later; a kernel that loops over pixels inside blocks cannot do that for other layers.
  bool has_whole_blocks() const { return blocks() == 1 || out_channels == channels(); }
  // True if the forward pass is Winograd's F(2x2, 3x3) (winograd-inl.h): 3x3 convolution with
  // stride 1 and 2x2 max-pooling.
  bool uses_winograd() const {
    return window_rows == 3 && window_row_size == 3 * x_stride && y_stride == row_stride &&
           pooling == Pooling::kMax && pool_size == 2 && x_stride % kBlock == 0 &&
           has_whole_blocks();
  }
  // True if the forward pass is a sum of four F(2x2, 2x2) (image_winograd-inl.h): 4x4 convolution
  // with stride 1 of a folded single-channel image and 2x2 max-pooling.
  bool uses_image_winograd() const {
    return folded_rows == 4 && x_stride == 4 && pooling == Pooling::kMax && pool_size == 2 &&
           has_whole_blocks();
  }
  // Elements of the image before it was folded, and the distance between its difference planes,
  // which leaves room for vectors that run past a plane's end.
  int64_t image_size() const { return input_size / 4 + 3 * row_stride; }
  int64_t plane_stride() const { return RoundUp(image_size()) + 2 * kBlock; }
  // Elements of the Winograd-transformed weights; 0 if the layer uses neither form.
  int64_t transformed_weights() const {
    return uses_winograd()         ? 16 * x_stride * channels()
           : uses_image_winograd() ? 36 * channels()
                                   : 0;
  }

  // Buffer sizes, in elements, without the kSlack of padding.
  int64_t forward_weights() const { return taps() * channels() + transformed_weights(); }
  int64_t forward_scratch() const {
    return uses_winograd()         ? 16 * kWinogradTiles * (x_stride + kBlock)
           : uses_image_winograd() ? 3 * plane_stride() + 2 * conv_width() * channels()
                                   : pool_size * conv_width() * channels();
  }
  // Room for the list and for its sorted copy, each with one more entry, which is scratch.
  int64_t scatter_list_size() const { return 2 * (max_scatter_groups() + 1); }
};

// Packs weights [out_channels][taps()] for the forward pass: transformed_weights() elements, then
// [block][tap][16], with zeros in the padding channels. Tap t is read from order[t] (taps()
// elements) unless `order` is null. `packed` has forward_weights() elements; its padding channels
// must be zero before the call, which leaves them.
void PackForward(const LayerShape& shape, const float* weights, const int32_t* order,
                 float* packed);
// Packs weights [out_channels][taps()] for the backward pass: [out_channels][window row][value],
// each window row padded to RoundUp(window_row_size). `packed` has out_channels * padded_taps()
// elements; the padding of its rows must be zero before the call, which leaves it.
void PackBackward(const LayerShape& shape, const float* weights, const int32_t* order,
                  float* packed);
// Inverse of PackBackward: writes gradients [out_channels][taps()] from its layout.
void UnpackGradients(const LayerShape& shape, const float* packed, const int32_t* order,
                     float* gradients);

// Interleaves each row of a single-channel image with the `rows` - 1 rows below it (a partial
// im2row along y): image [height, width] -> folded [height - rows + 1, width, rows]. A window of
// `rows` rows then is contiguous. `rows` is 2 to 4.
void FoldRows(const float* image, int64_t height, int64_t width, int64_t rows, float* folded);

// Arguments of Forward. Pointers are borrowed for the call.
struct ForwardBuffers {
  const float* input = nullptr;    // [h, w, c], input_size elements
  const float* image = nullptr;    // with uses_image_winograd(): the unfolded [h, w], image_size()
  const float* weights = nullptr;  // of PackForward
  const float* bias = nullptr;     // [channels()]
  // Slopes of the activation where z < 0: [pixels()][channels()], or [channels()] if the stride is
  // 0, for all pixels.
  const float* slopes = nullptr;
  int64_t slope_stride = 0;  // between pixels
  float* scratch = nullptr;  // forward_scratch() elements
  // Optional outputs for the backward pass, [pixels()][channels()]. `z` is the pre-activation; with
  // max-pooling it requires `argmax`. `argmax` is the argmax index of max-pooling, as the offset in
  // the input of the window that attained the maximum, the first of equals; without max-pooling it
  // is the offset of the pixel's first window.
  float* z = nullptr;
  int32_t* argmax = nullptr;
  // The activations, [out_height, out_width, out_channels]: pixel stride out_channels, row stride
  // as given, so that the output may lie inside the zero-padded input of the next layer.
  float* output = nullptr;
  int64_t output_row_stride = 0;
};
// Computes affine, pooling and activation. NaNs propagate, except that max-pooling may drop the
// NaNs of a window that is not all NaN.
void Forward(const LayerShape& shape, const ForwardBuffers& buffers);

// Arguments of Backward. Pointers are borrowed for the call.
struct BackwardBuffers {
  const float* input = nullptr;     // as in the forward pass
  const float* weights = nullptr;   // of PackBackward; unused without `input_gradient`
  const float* slopes = nullptr;    // as in the forward pass
  int64_t slope_stride = 0;         // 0 unless there is a slope_gradient
  const int32_t* argmax = nullptr;  // of the forward pass
  const float* z = nullptr;         // of the forward pass; read only if there is a slope_gradient
  // The activations and the loss gradient in them, both in the layout of ForwardBuffers::output.
  // The activations are read only without a slope_gradient, for the sign of z: slopes are not
  // negative.
  const float* output = nullptr;
  const float* output_gradient = nullptr;
  int64_t output_row_stride = 0;
  // Scratch for the loss gradient in z, and with average pooling for the window offsets:
  // [positions()][channels()].
  float* gradient = nullptr;
  int32_t* window_offsets = nullptr;
  // Scratch, scatter_list_size() elements; unused without `input_gradient`.
  ScatterGroup* scatter_list = nullptr;
  // The loss gradients in the parameters, which the call adds to.
  float* bias_gradient = nullptr;    // [channels()]
  float* slope_gradient = nullptr;   // in the shape of `slopes`; optional
  float* weight_gradient = nullptr;  // in the layout of PackBackward
  // The loss gradient in the input, input_size elements, overwritten; optional.
  float* input_gradient = nullptr;
};
// Computes the gradients of a layer for one image (conv) or one block of images (dense).
void Backward(const LayerShape& shape, const BackwardBuffers& buffers);

}  // namespace anneal::training::engines::fused

#endif  // ANNEAL_SERVER_TRAINING_ENGINES_FUSED_KERNELS_H_
