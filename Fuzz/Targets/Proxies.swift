import NIOCore

@testable import FanfareServer

extension FuzzTarget {
    /// For whom a proxy speaks: addresses, Forwarded and X-Forwarded-For, the PROXY protocol. Whatever a stranger puts to the
    /// left of what a trusted proxy wrote, the proxy's word counts; and a header is the same however it comes in.
    static let proxies = FuzzTarget(name: "proxies", maxBytes: 512) { input in
        var input = input
        switch input.pick(4) {
        case 0: address(input.remainder)
        case 1:
            let address = ClientAddress(high: input.integer(), low: input.integer())
            expect(ClientAddress(address.description) == address, "\(address) is not read as itself")
            expect(address.prefix(128) == address && address.prefix(0) == ClientAddress(high: 0, low: 0), "prefix")
        case 2: forwarded(&input)
        default: header(Array(input.rest))
        }
    }

    /// What is read is what the system's own reader makes of it.
    private static func address(_ text: String) {
        _ = try? TrustedNetworks(text)
        guard let address = ClientAddress(text) else { return }
        let other = ClientAddress(try? SocketAddress(ipAddress: text, port: 0))
        expect(other == address, "'\(text)' is \(address) here and \(other.map { "\($0)" } ?? "nothing") elsewhere")
        expect(ClientAddress(address.description) == address, "\(address) is not read as itself")
    }

    private static func forwarded(_ input: inout FuzzInput) {
        let path = ForwardedPath(trusted: .private)
        let client = ClientAddress(v4: 0xCB00_7107)
        guard let peer = ClientAddress("10.0.0.1") else { return }
        let isNewField = input.bool()
        var fields: [String] = []
        while !input.isEmpty, fields.count < 8 { fields.append(input.text()) }
        _ = path.origin(peer: client, xForwardedFor: fields)
        expect(path.origin(peer: client, forwarded: fields).address == client, "a stranger is believed")
        func behind(_ word: String) -> [String] {
            guard !isNewField, let last = fields.last else { return fields + [word] }
            return fields.dropLast() + [last + "," + word]
        }
        let plain = path.origin(peer: peer, xForwardedFor: behind("203.0.113.7, 10.1.1.1"))
        expect(plain == .init(address: client), "X-Forwarded-For: \(plain)")
        let long = path.origin(peer: peer, forwarded: behind("for=203.0.113.7;proto=https, for=\"10.1.1.1:80\""))
        expect(long == .init(address: client), "Forwarded: \(long)")
    }

    private static func header(_ bytes: [UInt8]) {
        func verdict(_ count: Int) -> ProxyHeader.Verdict {
            ProxyHeader.read(Array(bytes.prefix(min(count, ProxyHeader.decisive))), count: count)
        }
        let last = verdict(bytes.count)
        var isDecided = false
        for count in 0...bytes.count {
            let verdict = verdict(count)
            expect(!isDecided || verdict == last, "decided, and another verdict after \(count) bytes")
            if verdict != .incomplete {
                isDecided = true
                expect(verdict == last, "\(verdict) after \(count) bytes, \(last) after all")
            }
        }
        if case .header(_, let length) = last { expect(length <= bytes.count, "a header of \(length) bytes") }
    }
}
