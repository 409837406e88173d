import Foundation

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// How much memory this process may use: the machine's, or less where a control group says so (Linux, version 1 and 2).
enum MemoryLimit {
    /// Read once, at the start.
    static var current: Int? {
        let pages = sysconf(CInt(_SC_PHYS_PAGES))
        let page = sysconf(CInt(_SC_PAGESIZE))
        let physical = pages > 0 && page > 0 ? pages * page : nil
        let files = files(controlGroups: read("/proc/self/cgroup") ?? "")
        return least(physical: physical, limits: files.compactMap(read))
    }

    /// The files that may hold a limit, for the groups of `/proc/self/cgroup`: each group and all above it, for each of them
    /// may be limited. Within a container its group is often mounted as the root, so that is among them.
    static func files(controlGroups: String) -> [String] {
        var files: [String] = []
        for line in controlGroups.split(separator: "\n") {
            let fields = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            guard fields.count == 3 else { continue }
            let file: (String) -> String
            if fields[0] == "0", fields[1].isEmpty {
                file = { "/sys/fs/cgroup\($0)/memory.max" }
            } else if fields[1].split(separator: ",").contains("memory") {
                file = { "/sys/fs/cgroup/memory\($0)/memory.limit_in_bytes" }
            } else {
                continue
            }
            // A group outside of this namespace is written with ".."; its files can't be reached.
            let names = fields[2].split(separator: "/")
            let depth = names.contains("..") ? 0 : names.count
            for length in (0...depth).reversed() { files.append(file(names.prefix(length).map { "/\($0)" }.joined())) }
        }
        return files
    }

    /// The least of what is known.
    ///
    /// - Parameter limits: what the files say: a number of bytes, or `max`. Version 1 writes a number that no machine has.
    static func least(physical: Int?, limits: [String]) -> Int? {
        let numbers = limits.compactMap { text -> Int? in
            guard let number = Int(text.trimmingCharacters(in: .whitespacesAndNewlines)), number > 0 else { return nil }
            return number < 1 << 60 ? number : nil
        }
        return (numbers + [physical].compactMap(\.self)).min()
    }

    private static func read(_ path: String) -> String? { try? String(contentsOfFile: path, encoding: .utf8) }
}
