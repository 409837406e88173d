import Foundation

/// Whether this machine speaks IPv6 with itself; containers often do not.
public enum IPv6 {
    /// Whether there is `::1`.
    public static let hasLoopback: Bool = {
        let table = (try? String(contentsOfFile: "/proc/net/if_inet6", encoding: .utf8)) ?? ""
        return table.contains("00000000000000000000000000000001 ")
    }()
}
