/// The PROXY protocol, versions 1 and 2: what a proxy says about a connection before the first byte of its client
/// (haproxy's "The PROXY protocol", sections 2.1 and 2.2).
enum ProxyHeader {
    /// What the first bytes of a connection are.
    enum Verdict: Equatable {
        /// Not enough of them.
        case incomplete
        /// No header.
        case invalid
        /// A header of that many bytes. `nil`: the proxy speaks for itself, or says that it does not know.
        case header(ClientAddress?, length: Int)
    }

    /// So many bytes decide.
    static let decisive = maximumLine

    private static let signature: [UInt8] = [0x0D, 0x0A, 0x0D, 0x0A, 0x00, 0x0D, 0x0A, 0x51, 0x55, 0x49, 0x54, 0x0A]
    private static let word = Array("PROXY ".utf8)

    /// - Parameters:
    ///   - bytes: the first ``decisive`` bytes, or as many as are there.
    ///   - count: how many are there in all.
    static func read(_ bytes: [UInt8], count: Int) -> Verdict {
        let isSecond = bytes.first == signature[0]
        let start = isSecond ? signature : word
        guard zip(bytes, start).allSatisfy({ $0 == $1 }) else { return .invalid }
        guard bytes.count > start.count else { return .incomplete }
        return isSecond ? second(bytes, count: count) : first(bytes)
    }

    private static func first(_ bytes: [UInt8]) -> Verdict {
        guard let end = bytes.prefix(maximumLine).firstIndex(of: 0x0A) else {
            return bytes.count < maximumLine ? .incomplete : .invalid
        }
        guard bytes[end - 1] == 0x0D else { return .invalid }
        let fields = bytes[..<(end - 1)].split(separator: 0x20, omittingEmptySubsequences: false)
        switch String(decoding: fields[1], as: UTF8.self) {
        case "UNKNOWN": return .header(nil, length: end + 1)
        case "TCP4": return first(fields, length: end + 1) { ClientAddress.v4($0).map { ClientAddress(v4: $0) } }
        case "TCP6": return first(fields, length: end + 1) { ClientAddress.v6($0) }
        default: return .invalid
        }
    }

    private static func first(
        _ fields: [ArraySlice<UInt8>], length: Int, _ read: (ArraySlice<UInt8>) -> ClientAddress?
    ) -> Verdict {
        guard fields.count == 6, let source = read(fields[2]), read(fields[3]) != nil,
            fields[4...].allSatisfy({ ClientAddress.decimal($0, digits: 5) ?? .max <= 65_535 })
        else { return .invalid }
        return .header(source, length: length)
    }

    private static func second(_ bytes: [UInt8], count: Int) -> Verdict {
        guard bytes.count >= 16 else { return .incomplete }
        let rest = Int(bytes[14]) << 8 | Int(bytes[15])
        let length = 16 + rest
        guard rest <= maximumRest else { return .invalid }
        // Version and command, then family and protocol.
        switch (bytes[12], bytes[13]) {
        case (0x20, _):
            // A health check of the proxy.
            return count < length ? .incomplete : .header(nil, length: length)
        case (0x21, 0x00), (0x21, 0x31), (0x21, 0x32):
            // Not known, or a Unix socket.
            return count < length ? .incomplete : .header(nil, length: length)
        case (0x21, 0x11):
            guard rest >= 12 else { return .invalid }
            guard count >= length else { return .incomplete }
            let v4 = UInt32(truncatingIfNeeded: ClientAddress.number(bytes[16..<20]))
            return .header(ClientAddress(v4: v4), length: length)
        case (0x21, 0x21):
            guard rest >= 36 else { return .invalid }
            guard count >= length else { return .incomplete }
            let (high, low) = (ClientAddress.number(bytes[16..<24]), ClientAddress.number(bytes[24..<32]))
            return .header(ClientAddress(high: high, low: low), length: length)
        default:
            return .invalid
        }
    }
}
