import Foundation
import Synchronization

/// Ports on loopback for the servers of tests, each given out once in a process.
public enum FreePort {
    // Below the kernel's ephemeral range, so that no outgoing connection takes one meanwhile.
    private static let next = Mutex(Int.random(in: 15_000..<29_000))

    /// A port on which nobody listens now.
    public static func take() -> Int {
        next.withLock { port in
            repeat {
                port += 1
                if port >= 32_000 { port = 15_000 }
            } while !isFree(port)
            return port
        }
    }

    private static func isFree(_ port: Int) -> Bool {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        return withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
    }
}
