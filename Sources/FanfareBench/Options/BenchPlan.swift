import NIOCore

/// A run whose options were checked.
public struct BenchPlan: Sendable {
    /// What the listening clients speak.
    public enum Transport: String, Sendable, CaseIterable {
        /// A WebSocket per channel, payloads as they are.
        case raw
        /// The Centrifuge client protocol in JSON.
        case centrifuge
    }

    /// How publications get in.
    public enum Publisher: String, Sendable, CaseIterable {
        /// As Centrifuge clients.
        case websocket
        /// `POST /api/publish` on an admin port.
        case http
        /// `PUBLISH` in Redis.
        case redis
    }

    public var target: Endpoint
    public var clients: Int
    public var channels: Int
    public var channelPrefix: String
    /// Publications per second over all channels.
    public var rate: Double
    /// Publications back to back.
    public var burst: Int
    /// Bytes of a payload.
    public var size: Int
    public var duration: Duration
    public var transport: Transport
    public var publisher: Publisher
    /// As given, or the default of the publisher.
    public var publishURL: String
    public var redisPrefix: String
    /// Clients begun per second.
    public var ramp: Double
    public var sourceAddresses: [SocketAddress]
    public var threads: Int
    public var metrics: [Endpoint]
    public var connectTimeout: Duration
    /// Whether any certificate will do.
    public var insecure: Bool
    /// PEM file of the authorities to trust instead of the system's.
    public var caFile: String?

    /// The path that the Centrifuge protocol has on a node.
    static let centrifugePath = "/connection/websocket"

    /// Longest frame that a server of this run has reason to send: a payload with an envelope around it, or a reply.
    var maxFrameBytes: Int { size * 2 + 16_384 }

    func channelName(_ index: Int) -> String { "\(channelPrefix)\(index)" }

    /// Where a client of a channel connects; `{channel}` in the path stands for its name.
    func path(channel: Int) -> String {
        switch (target.path, transport) {
        case (let path?, _):
            guard let place = path.firstRange(of: "{channel}") else { return path }
            return path[..<place.lowerBound] + PercentEncoding.encode(channelName(channel)) + path[place.upperBound...]
        case (nil, .raw): return "/channels/\(PercentEncoding.encode(channelName(channel)))/ws"
        case (nil, .centrifuge): return Self.centrifugePath
        }
    }
}

/// Names in a path.
enum PercentEncoding {
    private static let unreserved = Set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~".utf8)

    /// All but the unreserved characters of RFC 3986 §2.3.
    static func encode(_ text: String) -> String {
        text.utf8.reduce(into: "") { result, byte in
            if unreserved.contains(byte) {
                result.append(Character(UnicodeScalar(byte)))
            } else {
                let digits = String(byte, radix: 16, uppercase: true)
                result += byte < 16 ? "%0\(digits)" : "%\(digits)"
            }
        }
    }
}
