import FanfareWire
import NIOCore
import NIOPosix

/// A host and a port out of a URL, and whether TLS is spoken there.
public struct Endpoint: Sendable, Equatable {
    public var scheme: String
    /// Name or address, IPv6 without brackets.
    public var host: String
    public var port: Int
    /// `nil`: none was given, or `/`.
    public var path: String?

    /// Whether TLS is spoken.
    public var tls: Bool { scheme == "wss" || scheme == "https" }

    /// For `Host`.
    var authority: String { Authority.text(host: host, port: port) }

    /// For a person.
    var text: String { "\(scheme)://\(authority)" }

    /// Reads `scheme://host[:port][/path]`.
    ///
    /// - Returns: `nil` and what is wrong in `mistake`, the end of a sentence.
    static func read(_ text: String, schemes: [String], mistake: inout String) -> Endpoint? {
        let wanted = schemes.map { "\($0)://host:port/" }.joined(separator: " or ")
        guard let separator = text.firstRange(of: "://"),
            schemes.contains(text[..<separator.lowerBound].lowercased())
        else {
            mistake = "must read \(wanted)"
            return nil
        }
        let scheme = text[..<separator.lowerBound].lowercased()
        let rest = text[separator.upperBound...]
        let authority = rest.prefix { $0 != "/" && $0 != "?" }
        let path = rest[authority.endIndex...]
        var host = authority
        var port = scheme == "wss" || scheme == "https" ? 443 : 80
        if let colon = authority.lastIndex(of: ":"), authority.last != "]" {
            host = authority[..<colon]
            guard let number = Int(authority[authority.index(after: colon)...]), (1...65_535).contains(number) else {
                mistake = "has no port from 1 to 65535 behind its host"
                return nil
            }
            port = number
        }
        if host.hasPrefix("["), host.hasSuffix("]") { host = host.dropFirst().dropLast() }
        guard !host.isEmpty, !host.contains(where: { $0.isWhitespace || $0 == "@" || $0.asciiValue == nil }) else {
            mistake = "has no valid host name; it must read \(wanted)"
            return nil
        }
        guard path.allSatisfy({ $0.asciiValue.map { $0 > 0x20 && $0 < 0x7F } ?? false }) else {
            mistake = "has characters in its path that must be percent-encoded"
            return nil
        }
        return Endpoint(
            scheme: scheme, host: String(host), port: port, path: path.isEmpty || path == "/" ? nil : String(path))
    }

    /// Looks the host up; blocks.
    func resolve() throws -> SocketAddress { try SocketAddress.makeAddressResolvingHost(host, port: port) }
}
