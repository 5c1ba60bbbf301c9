// This header includes the parts of LibTorch that the engines use. <torch/torch.h> also includes
// modules, optimisers and serialisation, and takes twice as long to compile.

#ifndef ANNEAL_SERVER_TRAINING_ENGINES_REFERENCE_TORCH_H_
#define ANNEAL_SERVER_TRAINING_ENGINES_REFERENCE_TORCH_H_

#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/csrc/autograd/generated/variable_factories.h>
#include <torch/types.h>

#endif  // ANNEAL_SERVER_TRAINING_ENGINES_REFERENCE_TORCH_H_
