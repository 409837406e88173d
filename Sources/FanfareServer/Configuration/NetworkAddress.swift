import NIOCore

/// What a host in a setting says about who can reach it, or who can listen on the way to it.
struct NetworkAddress {
    private let bytes: [UInt8]?
    private let name: String

    init(_ host: String) {
        name = host.lowercased()
        bytes =
            switch try? SocketAddress(ipAddress: host, port: 0) {
            case .v4(let address)?: withUnsafeBytes(of: address.address.sin_addr) { Array($0) }
            case .v6(let address)?: withUnsafeBytes(of: address.address.sin6_addr) { Array($0) }
            default: nil
            }
    }

    /// The families of IP.
    enum Family {
        case v4
        case v6
    }

    /// Whose addresses it stands for all at once, as `0.0.0.0` and `::` do; `nil`: it is one address, or a name.
    var wildcard: Family? {
        guard let bytes, bytes.allSatisfy({ $0 == 0 }) else { return nil }
        return bytes.count == 4 ? .v4 : .v6
    }

    /// Only this machine.
    var isLoopback: Bool {
        guard let bytes else { return name == "localhost" }
        if bytes.count == 4 { return bytes[0] == 127 }
        return bytes.dropLast().allSatisfy { $0 == 0 } && bytes.last == 1
    }

    /// Surely one that the internet routes: an address outside the private ranges, or a name with a dot. Names without one
    /// are those of containers and of `/etc/hosts`.
    var isPublic: Bool {
        guard let bytes else {
            return name.utf8.contains(UInt8(ascii: ".")) && !name.hasSuffix(".local") && !name.hasSuffix(".internal")
        }
        if isLoopback { return false }
        if bytes.count == 4 {
            return switch (bytes[0], bytes[1]) {
            case (10, _), (172, 16...31), (192, 168), (169, 254), (100, 64...127): false
            default: true
            }
        }
        // Unique local and link-local addresses.
        return bytes[0] & 0xFE != 0xFC && !(bytes[0] == 0xFE && bytes[1] & 0xC0 == 0x80)
    }
}
