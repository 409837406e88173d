import Crypto
import FanfareWire
import HTTPTypes

/// The keys that open the server API. Only their hashes are kept, and comparing takes the same time for every wrong key.
public struct AdminKeys: Sendable, Equatable {
    private let hashes: [SHA256Digest]

    /// No key: everybody who reaches the port may use it.
    public static let none = AdminKeys([])

    init(_ keys: [String]) { hashes = keys.map(Self.hash) }

    /// Whether a key is needed at all.
    var isEmpty: Bool { hashes.isEmpty }

    /// Whether a request with these fields may use the API.
    func allow(_ headers: HTTPFields) -> Bool {
        if hashes.isEmpty { return true }
        guard let key = Self.key(headers) else { return false }
        let hash = Self.hash(key)
        // All of them, also after one that fits. Digests compare in constant time.
        return hashes.reduce(false) { ($1 == hash) || $0 }
    }

    /// `Authorization: apikey KEY`, the scheme in any case, or `X-API-Key: KEY`, as Centrifugo's client libraries send it.
    private static func key(_ headers: HTTPFields) -> String? {
        if let field = HTTPField.Name("X-API-Key"), let key = headers[field] { return key }
        let words = (headers[.authorization] ?? "").split(separator: " ", omittingEmptySubsequences: true)
        guard words.count == 2, words[0].isToken("apikey") else { return nil }
        return String(words[1])
    }

    private static func hash(_ key: String) -> SHA256Digest { SHA256.hash(data: Array(key.utf8)) }
}
