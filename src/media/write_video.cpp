// SPDX-License-Identifier: Apache-2.0
#include "media/write_video.h"

#include <cerrno>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

#include "base/error.h"
#include "base/temporary_file.h"
#include "base/text.h"
#include "media/ffmpeg.h"

namespace media {
namespace {

// Quality 8 of 10 as the official code asks of its writer comes down to this constant rate factor.
constexpr char kRateFactor[] = "18";
constexpr char kPreset[] = "veryfast";

// Closes an output file that libavformat opened; its buffers were flushed by whoever cares.
struct CloseOutput {
  void operator()(AVIOContext* output) const { avio_close(output); }
};
using OutputPointer = std::unique_ptr<AVIOContext, CloseOutput>;

CodecPointer open_encoder(const VideoFormat& format, const std::filesystem::path& file) {
  const AVCodec* codec = avcodec_find_encoder_by_name("libx264");
  if (codec == nullptr) {
    throw base::Error(base::Fault::internal, "this FFmpeg has no libx264, so it writes no MP4");
  }
  auto encoder = checked_pointer(CodecPointer(avcodec_alloc_context3(codec)), file);
  encoder->width = format.size.width;
  encoder->height = format.size.height;
  encoder->pix_fmt = AV_PIX_FMT_YUV420P;
  encoder->time_base = {1, format.fps};
  encoder->framerate = {format.fps, 1};
  encoder->sample_aspect_ratio = {1, 1};
  encoder->color_range = AVCOL_RANGE_MPEG;
  encoder->color_primaries = AVCOL_PRI_BT709;
  encoder->color_trc = AVCOL_TRC_BT709;
  encoder->colorspace = AVCOL_SPC_BT709;
  encoder->chroma_sample_location = AVCHROMA_LOC_LEFT;
  encoder->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;  // MP4 keeps the parameter sets in its header
  av_opt_set(encoder->priv_data, "preset", kPreset, 0);
  av_opt_set(encoder->priv_data, "crf", kRateFactor, 0);
  av_opt_set(encoder->priv_data, "profile", "high", 0);
  checked(avcodec_open2(encoder.get(), codec, nullptr), file, "open the H.264 encoder");
  return encoder;
}

// From full-range RGB of the source's size to limited-range BT.709 of the file's.
ScalerPointer open_scaler(const VideoFormat& format, const std::filesystem::path& file) {
  auto scaler = checked_pointer(ScalerPointer(sws_alloc_context()), file);
  const std::pair<const char*, int64_t> options[] = {
      {"srcw", format.source.width},
      {"srch", format.source.height},
      {"src_format", AV_PIX_FMT_RGB24},
      {"src_range", 1},
      {"dstw", format.size.width},
      {"dsth", format.size.height},
      {"dst_format", AV_PIX_FMT_YUV420P},
      {"dst_range", 0},
      {"dst_h_chr_pos", 0},    // chroma sits on the left pixel of a pair …
      {"dst_v_chr_pos", 128},  // … and between the two rows
      {"sws_flags", SWS_LANCZOS | SWS_ACCURATE_RND | SWS_FULL_CHR_H_INP},
  };
  for (const auto& [name, value] : options) {
    checked(av_opt_set_int(scaler.get(), name, value, 0), file, name);
  }
  const int* bt709 = sws_getCoefficients(SWS_CS_ITU709);
  const int one = 1 << 16;
  sws_setColorspaceDetails(scaler.get(), bt709, 1, bt709, 0, 0, one, one);
  checked(sws_init_context(scaler.get(), nullptr, nullptr), file, "convert its colours");
  return scaler;
}

VideoFormat completed(VideoFormat format) {
  if (format.source == Size{}) format.source = format.size;
  const bool is_even = format.size.width % 2 == 0 && format.size.height % 2 == 0;
  if (format.size.width <= 0 || format.size.height <= 0 || !is_even || format.fps <= 0) {
    throw base::Error(base::Fault::invalid,
                      base::text("a video of ",
                                 format.size.width,
                                 "x",
                                 format.size.height,
                                 " at ",
                                 format.fps,
                                 " frames per second: width and height must be even"));
  }
  return format;
}

[[noreturn]] void throw_system_error(const std::filesystem::path& file, std::string_view doing) {
  checked(AVERROR(errno), file, doing);
  std::abort();  // errno was set, so checked() has thrown
}

void flush_to_disk(const std::filesystem::path& file, const std::string& temporary) {
  const int descriptor = ::open(temporary.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) throw_system_error(file, "write");
  const int synced = ::fsync(descriptor);
  const int reason = errno;
  ::close(descriptor);
  errno = reason;
  if (synced != 0) throw_system_error(file, "write");
}

}  // namespace

struct VideoWriter::State {
  State(const std::filesystem::path& path, const VideoFormat& wanted);

  void write_header();
  void encode(const AVFrame* picture);  // nullptr: no more are coming
  void finish();

  std::filesystem::path file;
  base::TemporaryFile temporary;
  VideoFormat format;
  CodecPointer encoder;
  ScalerPointer scaler;
  FramePointer picture;
  PacketPointer packet;
  OutputPointer output;
  MuxerPointer muxer;
  int64_t frames = 0;
  bool is_finished = false;
};

VideoWriter::State::State(const std::filesystem::path& path, const VideoFormat& wanted)
    : file(path), temporary(path), format(completed(wanted)) {
  av_log_set_level(AV_LOG_QUIET);  // what goes wrong is thrown
  encoder = open_encoder(format, file);
  scaler = open_scaler(format, file);
  packet = checked_pointer(PacketPointer(av_packet_alloc()), file);
  picture = make_frame(AV_PIX_FMT_YUV420P, format.size.width, format.size.height);
  write_header();
}

void VideoWriter::State::write_header() {
  AVFormatContext* opened_muxer = nullptr;
  // The URL is what the muxer reads again to put the index in front.
  const auto url = "file:" + temporary.name();
  checked(
      avformat_alloc_output_context2(&opened_muxer, nullptr, "mp4", url.c_str()), file, "write");
  muxer.reset(opened_muxer);
  muxer->flags |= AVFMT_FLAG_BITEXACT;  // the same frames give the same bytes
  auto* stream = checked_pointer(avformat_new_stream(muxer.get(), nullptr), file);
  stream->time_base = encoder->time_base;
  stream->avg_frame_rate = encoder->framerate;
  checked(avcodec_parameters_from_context(stream->codecpar, encoder.get()), file, "write");
  for (const auto& [name, value] : format.metadata) {
    checked(av_dict_set(&muxer->metadata, name.c_str(), value.c_str(), 0), file, "write");
  }
  AVIOContext* opened_output = nullptr;
  checked(avio_open(&opened_output, url.c_str(), AVIO_FLAG_WRITE), file, "write");
  output.reset(opened_output);
  muxer->pb = output.get();
  AVDictionary* options = nullptr;
  av_dict_set(&options, "movflags", "+faststart", 0);
  const int written = avformat_write_header(muxer.get(), &options);
  av_dict_free(&options);
  checked(written, file, "write");
}

void VideoWriter::State::encode(const AVFrame* frame) {
  checked(avcodec_send_frame(encoder.get(), frame), file, "encode");
  while (true) {
    const int received = avcodec_receive_packet(encoder.get(), packet.get());
    if (received == AVERROR(EAGAIN) || received == AVERROR_EOF) return;
    checked(received, file, "encode");
    packet->duration = 1;  // of one frame; the encoder leaves it out and the last would have none
    packet->stream_index = 0;
    av_packet_rescale_ts(packet.get(), encoder->time_base, muxer->streams[0]->time_base);
    checked(av_interleaved_write_frame(muxer.get(), packet.get()), file, "write");
  }
}

void VideoWriter::State::finish() {
  if (is_finished) return;
  encode(nullptr);
  checked(av_write_trailer(muxer.get()), file, "write");
  avio_flush(output.get());
  checked(output->error, file, "write");
  checked(avio_close(output.release()), file, "write");
  flush_to_disk(file, temporary.name());
  is_finished = true;
}

VideoWriter::VideoWriter(const std::filesystem::path& file, const VideoFormat& format)
    : state_(std::make_unique<State>(file, format)) {}

VideoWriter::~VideoWriter() = default;

void VideoWriter::add(Rgb frame) {
  auto& state = *state_;
  check_holds(frame, state.format.source);
  // The encoder may still hold the previous pixels.
  checked(av_frame_make_writable(state.picture.get()), state.file, "allocate a picture");
  const uint8_t* const source[] = {frame.data()};
  const int stride[] = {state.format.source.width * 3};
  sws_scale(state.scaler.get(),
            source,
            stride,
            0,
            state.format.source.height,
            state.picture->data,
            state.picture->linesize);
  state.picture->pts = state.frames++;
  state.encode(state.picture.get());
}

void VideoWriter::finish() {
  state_->finish();
}

void VideoWriter::commit() {
  state_->finish();
  if (!state_->temporary.commit()) throw_system_error(state_->file, "write");
}

}  // namespace media
