// Bytes as a kernel configuration, packed or not: whatever they are, reading ends in values or in an Error, and a value
// is written into a variable of each type or refused.
#include <array>
#include <cstdint>
#include <string>

#include <libminibpf/base/error.hpp>
#include <libminibpf/relocate/kconfig.hpp>

using namespace minibpf;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const ByteView bytes = std::as_bytes(std::span(data, size));
    KconfigValues values;
    try {
        values = read_kconfig(bytes, "fuzz", {"CONFIG_A", "CONFIG_HZ", "CONFIG_BPF"});
    } catch (const Error&) {
    }
    values.emplace("CONFIG_RAW", std::string(reinterpret_cast<const char*>(data), size));
    for (const auto& [name, value] : values) {
        for (const KconfigType type : {KconfigType::boolean, KconfigType::character, KconfigType::integer,
                                       KconfigType::string, KconfigType::tristate}) {
            for (const std::uint32_t bytes_wide : {1u, 2u, 4u, 8u}) {
                std::array<std::byte, 8> variable{};
                const ExternSpec external{.name = name,
                                          .kind = ExternKind::kconfig,
                                          .value_type = type,
                                          .is_signed = bytes_wide > 2,
                                          .size = bytes_wide};
                try {
                    write_kconfig_value(external, value, std::span(variable).first(bytes_wide));
                } catch (const Error&) {
                }
            }
        }
    }
    return 0;
}
