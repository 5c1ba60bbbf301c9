// The parts of LibTorch that the reference engine uses. <torch/torch.h> has them all, and with them
// modules, optimisers and serialisation, at twice the time to compile.

#ifndef ANNEAL_SERVER_TRAINING_ENGINES_REFERENCE_TORCH_H_
#define ANNEAL_SERVER_TRAINING_ENGINES_REFERENCE_TORCH_H_

#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/csrc/autograd/generated/variable_factories.h>
#include <torch/types.h>

#endif  // ANNEAL_SERVER_TRAINING_ENGINES_REFERENCE_TORCH_H_
