// Sensor: samples of a part on the board, as the part delivers them. SPDX-License-Identifier: Apache-2.0
#pragma once
#include <type_traits>

#include "boardless_port.h"
#include "log.h"
#include "recorder.h"
#ifdef BOARDLESS_BUS
#include "drivers/bus.h"
#endif

namespace boardless {

// Where samples come from: the port, or in a bus build the board's own peripherals.
namespace io {
#ifdef BOARDLESS_BUS
constexpr auto open = boardless_bus_open;
constexpr auto buffer = boardless_bus_buffer;
constexpr auto read = boardless_bus_read;
inline const char* why(int status) { return boardless_bus_error(status); }
#else
constexpr auto open = bl_sensor_open;
constexpr auto buffer = bl_sensor_buffer;
constexpr auto read = bl_sensor_read;
inline const char* why(int status) { return status == BL_NO_HOST ? "no virtual board and no driver" : "refused"; }
#endif
}  // namespace io

class Sensor {
 public:
  // Opens slot `name` of the board at one of the part's output rates; ranges in the part's units (g, degree/s, mA),
  // 0 for the widest.
  template <class Range = uint32_t, class Range2 = uint32_t>
  Sensor(const char* name, uint32_t rate_mhz, Range range = 0, Range2 range2 = 0) : name_(name) {
    static_assert(static_cast<Range>(0.5) == 0 && static_cast<Range2>(0.5) == 0,
                  "a range is a whole number: a fraction would be cut off, and 0 is the widest");
    const int status = io::open(&port_, name, rate_mhz, range, range2);
    if (status != BL_OK) boardless_fail("sensor %s: not opened: %s", name, io::why(status));
    boardless_recorder_sensor(&port_, name, range, range2);
  }

  // Samples that wait to be read lie here, not in the driver's own buffer (PDM microphones).
  template <class T, uint32_t N> void waits_in(T (&buffer)[N]) {
    const int status = io::buffer(&port_, buffer, sizeof buffer);
    if (status != BL_OK) boardless_fail("sensor %s: has no buffer of a driver (%d)", name_, status);
  }

  // Waits for `samples` samples (all channels of each). False when the sensor will deliver no more. Of an array the
  // size is known, and one that is too small ends the run; of a pointer it is not.
  template <class Buffer> bool read(Buffer&& buffer, uint32_t samples) {
    using Whole = std::remove_reference_t<Buffer>;
    if constexpr (std::is_array_v<Whole>) {
      if (samples > sizeof(Whole) / port_.bytes_per_sample) {
        boardless_fail("sensor %s: %u samples of %u channels, %u bytes each: the buffer has %u bytes", name_,
                       static_cast<unsigned>(samples), static_cast<unsigned>(port_.channels),
                       static_cast<unsigned>(port_.bytes_per_sample), static_cast<unsigned>(sizeof(Whole)));
      }
      return taken<std::remove_all_extents_t<Whole>>(buffer, samples);
    } else {
      return taken<std::remove_pointer_t<Whole>>(buffer, samples);
    }
  }

  uint32_t channels() const { return port_.channels; }
  uint32_t rate_mhz() const { return port_.rate_mhz; }
  // Index of the first sample of the last read, counted from the opening.
  uint64_t index() const { return last_.first_index; }
  // Samples the part dropped since the opening.
  uint32_t lost() const { return lost_; }

 private:
  template <class T> bool taken(void* buffer, uint32_t samples) {
    if (sizeof(T) * port_.channels != port_.bytes_per_sample) {
      boardless_fail("sensor %s: %u channels, %u bytes a sample: the buffer is of another type", name_,
                     static_cast<unsigned>(port_.channels), static_cast<unsigned>(port_.bytes_per_sample));
    }
    const int status = io::read(&port_, buffer, samples, &last_);
    if (status == BL_END) return false;
    if (status != BL_OK) boardless_fail("sensor %s: read failed: %s", name_, io::why(status));
    lost_ += last_.lost;
    boardless_recorder_samples(&port_, buffer, &last_);
    return last_.count == samples;
  }

  const char* name_;
  bl_sensor_t port_ = {};
  bl_read_t last_ = {};
  uint32_t lost_ = 0;
};

}  // namespace boardless
