#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// The standard `process_*` metrics, from `/proc`; what is not to be had there is left out.
struct ProcessStatistics {
    var cpuSeconds: Double?
    var residentBytes: Double?
    var virtualBytes: Double?
    var startTime: Double?
    var openFiles: Double?
    var maxFiles: Double?

    static var current: ProcessStatistics {
        var statistics = ProcessStatistics()
        // proc(5): the fields behind the name, which is in parentheses and may hold anything; index 0 is field 3.
        if let stat = read("/proc/self/stat"), let end = stat.lastIndex(of: ")") {
            let fields = stat[stat.index(after: end)...].split(separator: " ").map { Double($0) }
            let ticks = Double(sysconf(Int32(_SC_CLK_TCK)))
            if fields.count > 21, let user = fields[11], let system = fields[12], let pages = fields[21] {
                statistics.cpuSeconds = (user + system) / ticks
                statistics.virtualBytes = fields[20]
                statistics.residentBytes = pages * Double(sysconf(Int32(_SC_PAGESIZE)))
                if let started = fields[19], let boot = bootTime { statistics.startTime = boot + started / ticks }
            }
        }
        statistics.openFiles = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd"))
            .map { Double($0.count) }
        statistics.maxFiles = maxOpenFiles
        return statistics
    }

    func write(to text: inout Exposition) {
        let values: [(String, Exposition.Kind, String, Double?)] = [
            ("process_cpu_seconds_total", .counter, "User and system CPU time in seconds.", cpuSeconds),
            ("process_resident_memory_bytes", .gauge, "Resident memory in bytes.", residentBytes),
            ("process_virtual_memory_bytes", .gauge, "Virtual memory in bytes.", virtualBytes),
            ("process_start_time_seconds", .gauge, "Start of the process, seconds since 1970.", startTime),
            ("process_open_fds", .gauge, "Open file descriptors.", openFiles),
            ("process_max_fds", .gauge, "Most open file descriptors.", maxFiles),
        ]
        for (name, kind, help, value) in values {
            if let value { text.add(name, kind, help, value) }
        }
    }

    private static var bootTime: Double? {
        read("/proc/stat")?.split(separator: "\n").first { $0.hasPrefix("btime ") }
            .flatMap { Double($0.dropFirst("btime ".count)) }
    }

    private static var maxOpenFiles: Double? {
        var limit = rlimit()
        #if canImport(Glibc)
        let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        #else
        let resource = RLIMIT_NOFILE
        #endif
        return getrlimit(resource, &limit) == 0 ? Double(limit.rlim_cur) : nil
    }

    private static func read(_ path: String) -> String? { try? String(contentsOfFile: path, encoding: .utf8) }
}
