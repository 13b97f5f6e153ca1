// SPDX-License-Identifier: Apache-2.0
// A model as it lies on disk: a folder or single files in any known layout, opened as parts under
// the official names. Opening maps files and reads headers; no weight is read or copied.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "specs/specs.h"
#include "weights/recognise.h"

namespace weights {

// The two networks of Wan 2.2 A14B. Weights cannot tell them apart: the file's or the folder's name
// says which is which (high_noise, HighNoise, transformer_2 …).
enum class Expert { only, high_noise, low_noise };
std::string_view name_of(Expert expert);

// One network: its dimensions and exactly the tensors these ask for, checked.
template <typename Spec>
struct Part {
  Spec spec;
  TensorMap tensors;
  Naming naming = Naming::official;
  Expert expert = Expert::only;
  std::string origin;  // names it in messages
  std::vector<std::filesystem::path> files;
  std::map<std::string, std::string> metadata;
  std::optional<TensorView> tokenizer;  // a SentencePiece model kept beside the text encoder
};

using DitPart = Part<specs::DitSpec>;
using TextEncoderPart = Part<specs::Umt5Spec>;
using VaePart = Part<specs::VaeSpec>;
using ImageEncoderPart = Part<specs::ClipSpec>;
using AnyPart = std::variant<DitPart, TextEncoderPart, VaePart, ImageEncoderPart>;

PartKind kind_of(const AnyPart& part);

enum class Layout { official, diffusers, comfyui };
std::string_view name_of(Layout layout);

// What was found, before asking whether it makes one model.
struct Findings {
  Layout layout = Layout::official;
  std::vector<AnyPart> parts;
  std::vector<std::string> adapters;  // LoRA files passed over
  std::vector<std::string> unknown;   // state dicts that are no part of a Wan model
  std::filesystem::path tokenizer;    // a folder with tokenizer files, or empty
  std::optional<double> boundary;     // boundary_ratio of model_index.json
};

// Looks into a file, or into a folder and the subfolders that the layouts have. Throws Error
// (invalid | not_found) that names the file and what is wrong with it: a broken file is never
// passed over.
Findings find_parts(const std::filesystem::path& file_or_folder);

struct Checkpoint {
  Layout layout = Layout::official;
  std::optional<DitPart> dit;      // the only network, or the expert for high noise
  std::optional<DitPart> dit_low;  // the expert for low noise
  std::optional<TextEncoderPart> text_encoder;
  std::optional<VaePart> vae;
  std::optional<ImageEncoderPart> image_encoder;
  std::filesystem::path tokenizer;  // a folder with tokenizer files, or empty
  std::optional<double> boundary;   // where the checkpoint itself says it
};

// Puts parts together. Throws Error(invalid) when one is there twice (it names both: give the files
// instead of the folder) or when the experts are no pair. A part that is absent is no error here:
// which are needed depends on the task.
Checkpoint assemble(std::vector<Findings> findings);

// The same for what the files and folders hold, each of which must hold a part or the tokenizer.
Checkpoint open_checkpoint(std::span<const std::filesystem::path> files_and_folders);
Checkpoint open_checkpoint(const std::filesystem::path& file_or_folder);

// The models of specs::models() that these networks are, all that are given agreeing. Several may
// share their dimensions (one expert of A14B alone looks like 2.1 T2V 14B).
std::vector<const specs::ModelSpec*> matching_models(const Checkpoint& checkpoint);

// Those of them that have as many networks as the checkpoint: what it can be run as.
std::vector<const specs::ModelSpec*> runnable_models(const Checkpoint& checkpoint);

// What a video from a text needs and the checkpoint lacks: "the text encoder", "the tokenizer", …
std::vector<std::string_view> missing_parts(const Checkpoint& checkpoint);

}  // namespace weights
