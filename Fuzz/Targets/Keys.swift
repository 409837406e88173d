import NIOCore

@testable import FanfareAuth

extension FuzzTarget {
    /// Keys of a provider: JSON Web Key Sets and PEM files. A key that was read checks signatures without a fault.
    static let keys = FuzzTarget(name: "keys", maxBytes: 2_048) { input in
        var input = input
        let isPEM = input.bool()
        let bytes = input.buffer
        let keys = blocking { () async -> [TokenKey] in
            if isPEM { return (try? await TokenKey.publicKeys(pem: String(buffer: bytes))) ?? [] }
            return (try? await KeySet.read(bytes))?.keys ?? []
        }
        expect(keys.count <= KeySet.maximumKeys || isPEM, "\(keys.count) keys")
        for key in keys {
            expect(!key.algorithm.isSymmetric, "a public key became a secret")
            expect(!key.verify([UInt8](repeating: 1, count: 64), of: [1, 2, 3]), "anything is a signature")
        }
    }
}
