import NIOCore

/// An IP address. An IPv4 address is the IPv6 address that it is mapped to (RFC 4291 §2.5.5.2), whichever way it came.
struct ClientAddress: Hashable, Sendable {
    /// The first eight bytes.
    let high: UInt64
    /// The other eight.
    let low: UInt64

    init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    init(v4: UInt32) { self.init(high: 0, low: 0xFFFF_0000_0000 | UInt64(v4)) }

    /// - Returns: `nil` where there is none: a Unix socket, or a peer that has gone already.
    init?(_ address: SocketAddress?) {
        switch address {
        case .v4(let address)?:
            self.init(v4: UInt32(bigEndian: address.address.sin_addr.s_addr))
        case .v6(let address)?:
            let bytes = withUnsafeBytes(of: address.address.sin6_addr) { Array($0) }
            self.init(high: Self.number(bytes[..<8]), low: Self.number(bytes[8...]))
        default:
            return nil
        }
    }

    /// Big-endian bytes as a number.
    static func number(_ bytes: some Sequence<UInt8>) -> UInt64 { bytes.reduce(0) { $0 << 8 | UInt64($1) } }

    /// `nil`: an IPv6 address.
    var v4: UInt32? { high == 0 && low >> 32 == 0xFFFF ? UInt32(truncatingIfNeeded: low) : nil }

    /// What is counted as one caller: an IPv4 address, or the /64 of an IPv6 address, for a client may choose the rest of it.
    var counted: ClientAddress { v4 == nil ? ClientAddress(high: high, low: 0) : self }

    /// What one customer of a provider may have all of: an IPv4 address, or the /48 of an IPv6 address (RFC 6177 §2).
    var site: ClientAddress { v4 == nil ? prefix(48) : self }

    /// The first so many of its 128 bits, the others 0.
    func prefix(_ bits: Int) -> ClientAddress {
        // Swift's shift by the width of the number gives 0.
        ClientAddress(
            high: high & ~(UInt64.max >> UInt64(min(64, bits))), low: low & ~(UInt64.max >> UInt64(max(0, bits - 64))))
    }
}

extension ClientAddress: CustomStringConvertible {
    /// As in RFC 5952.
    var description: String {
        if let v4 { return (0..<4).reversed().map { "\(v4 >> ($0 * 8) & 0xFF)" }.joined(separator: ".") }
        let groups = [high, high, high, high, low, low, low, low].enumerated().map { index, half -> UInt64 in
            let shift = UInt64(48 - index % 4 * 16)
            return half >> shift & 0xFFFF
        }
        // The longest run of zeros, the first of those that are as long.
        var (start, length) = (0, 0)
        for index in 0..<8 {
            let count = groups[index...].prefix { $0 == 0 }.count
            if count > length { (start, length) = (index, count) }
        }
        func text(_ groups: ArraySlice<UInt64>) -> String {
            groups.map { String($0, radix: 16) }.joined(separator: ":")
        }
        return length < 2 ? text(groups[...]) : text(groups[..<start]) + "::" + text(groups[(start + length)...])
    }
}
