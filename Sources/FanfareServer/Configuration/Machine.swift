import NIOCore

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// What the defaults take from the machine.
public struct Machine: Sendable {
    /// As the system calls itself; may hold characters that no node name may.
    public var hostName: String
    /// Cores that this process may use, at least 1; a container's CPU limit counts.
    public var cores: Int
    /// Most open files of this process (the hard limit; the node raises its soft limit to it).
    public var maxOpenFiles: Int
    /// Bytes of memory that this process may use; a container's or a service's limit counts. `nil`: not known.
    public var memoryBytes: Int?

    public init(hostName: String, cores: Int, maxOpenFiles: Int, memoryBytes: Int? = nil) {
        self.hostName = hostName
        self.cores = cores
        self.maxOpenFiles = maxOpenFiles
        self.memoryBytes = memoryBytes
    }

    /// The machine this runs on.
    public static var current: Machine {
        var name = [UInt8](repeating: 0, count: 256)
        // Room for the name and its end; the array outlives the call.
        let named = name.withUnsafeMutableBytes { bytes in
            bytes.baseAddress.map { gethostname($0.assumingMemoryBound(to: CChar.self), bytes.count - 1) } ?? -1
        }
        let host = named == 0 ? String(decoding: name.prefix { $0 != 0 }, as: UTF8.self) : "fanfare"
        let openFiles = OpenFileLimit.current.flatMap { $0.rlim_max < rlim_t(Int.max) ? Int($0.rlim_max) : nil }
        return Machine(
            hostName: host, cores: max(1, System.coreCount), maxOpenFiles: openFiles ?? 1_048_576,
            memoryBytes: MemoryLimit.current)
    }
}
