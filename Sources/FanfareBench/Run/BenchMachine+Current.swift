import NIOCore

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif
#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

extension BenchMachine {
    /// The machine this runs on, with the soft limit of open files raised to the hard one.
    public static func current() -> BenchMachine {
        BenchMachine(cores: max(1, System.coreCount), openFiles: raiseOpenFiles(), ports: ephemeralPorts())
    }

    private static func raiseOpenFiles() -> Int {
        #if canImport(Glibc)
        let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        #else
        let resource = RLIMIT_NOFILE
        #endif
        var limit = rlimit()
        guard getrlimit(resource, &limit) == 0 else { return 1_024 }
        var raised = limit
        raised.rlim_cur = limit.rlim_max
        if setrlimit(resource, &raised) == 0 { limit = raised }
        return limit.rlim_cur < UInt(Int.max) ? Int(limit.rlim_cur) : 1_048_576
    }

    /// Linux tells its range; elsewhere the one that IANA suggests.
    private static func ephemeralPorts() -> Int {
        let range = (try? String(contentsOfFile: "/proc/sys/net/ipv4/ip_local_port_range", encoding: .utf8))?
            .split(whereSeparator: \.isWhitespace).compactMap { Int($0) }
        guard let range, range.count == 2, range[1] > range[0] else { return 16_384 }
        return range[1] - range[0] + 1
    }
}

/// CPU time of this process, to see whether the load generator itself was the bottleneck.
enum OwnUsage {
    /// User and system, seconds.
    static var cpuSeconds: Double {
        var usage = rusage()
        #if canImport(Glibc)
        getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        #else
        getrusage(RUSAGE_SELF, &usage)
        #endif
        let seconds = usage.ru_utime.tv_sec + usage.ru_stime.tv_sec
        return Double(seconds) + Double(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1_000_000
    }
}
