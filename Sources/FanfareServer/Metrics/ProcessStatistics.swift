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
        statistics.openFiles = openFileCount
        statistics.maxFiles = maxOpenFiles
        return statistics
    }

    // Once: it does not change, and `/proc/stat` is long on a machine with many cores.
    private static let bootTime: Double? = read("/proc/stat")?.split(separator: "\n").first { $0.hasPrefix("btime ") }
        .flatMap { Double($0.dropFirst("btime ".count)) }

    /// Counts entries without making a string of each: there is one for every client.
    private static var openFileCount: Double? {
        guard let directory = opendir("/proc/self/fd") else { return nil }
        defer { closedir(directory) }
        var entries = 0
        while readdir(directory) != nil { entries += 1 }
        // Without ".", ".." and the descriptor of this look.
        return Double(entries - 3)
    }

    private static var maxOpenFiles: Double? { OpenFileLimit.current.map { Double($0.rlim_cur) } }

    private static func read(_ path: String) -> String? { try? String(contentsOfFile: path, encoding: .utf8) }
}
