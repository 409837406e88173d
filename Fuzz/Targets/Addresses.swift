import FanfareRedis

@testable import FanfareServer

extension FuzzTarget {
    /// Addresses of Redis as an operator writes them: what is shown of one holds no password and reads as the same one.
    static let addresses = FuzzTarget(name: "addresses", maxBytes: 256) { input in
        let text = input.remainder
        _ = try? RedisConfiguration.list(text)
        guard let configuration = try? RedisConfiguration(url: text) else { return }
        let shown = configuration.redactedURL
        var secret = configuration
        secret.password = configuration.password.map { _ in "Fuzz-s3cret" }
        expect(!secret.redactedURL.holds("s3cret"), "a password is shown: \(secret.redactedURL)")
        if case .host(let host, let port) = configuration.address {
            expect((1...65_535).contains(port) && !host.isEmpty, "\(host):\(port)")
            let address = NetworkAddress(host)
            expect(!(address.isLoopback && address.isPublic), "\(host) is here and everywhere")
            // A host in brackets is shown in brackets only where it has a colon.
            guard host.utf8.allSatisfy({ $0.isLetterOrDigit }) else { return }
            let again = try? RedisConfiguration(url: shown)
            let isPlain = configuration.user?.utf8.allSatisfy { $0.isLetterOrDigit } ?? true
            if isPlain { expect(again?.address == configuration.address, "shown as \(shown)") }
        }
    }
}

extension UInt8 {
    fileprivate var isLetterOrDigit: Bool {
        switch self {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
        default: false
        }
    }
}
