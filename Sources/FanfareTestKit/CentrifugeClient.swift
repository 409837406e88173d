import Foundation
import Synchronization

/// A client of the Centrifuge protocol in JSON, thin enough to see every message.
public final class CentrifugeClient: Sendable {
    /// A message of the node as a JSON object.
    public struct Message: Sendable {
        public let text: String

        public init(text: String) { self.text = text }

        private var object: [String: Any] {
            (try? JSONSerialization.jsonObject(with: Data(text.utf8))) as? [String: Any] ?? [:]
        }

        /// The id of a reply.
        public var id: Int? { object["id"] as? Int }
        /// The code of an error reply.
        public var errorCode: Int? { (object["error"] as? [String: Any])?["code"] as? Int }
        public var isTemporary: Bool { (object["error"] as? [String: Any])?["temporary"] as? Bool == true }
        /// Milliseconds after which an error reply says to try again.
        public var retryAfter: Int? { (object["error"] as? [String: Any])?["retry_after"] as? Int }
        /// A field of the result of a reply, as text.
        public func result(_ method: String, _ field: String) -> String? {
            (object[method] as? [String: Any])?[field].map { "\($0)" }
        }
        /// Channel and client of a join or leave.
        public var presence: (channel: String, isJoin: Bool, client: String)? {
            guard let push = object["push"] as? [String: Any], let channel = push["channel"] as? String else {
                return nil
            }
            for kind in ["join", "leave"] {
                if let info = (push[kind] as? [String: Any])?["info"] as? [String: Any],
                    let client = info["client"] as? String
                {
                    return (channel, kind == "join", client)
                }
            }
            return nil
        }
        /// The clients of the reply to `presence`.
        public var members: Set<String>? {
            ((object["presence"] as? [String: Any])?["presence"] as? [String: Any]).map { Set($0.keys) }
        }
        /// Channel and data of a publication, the data as compact JSON.
        public var publication: (channel: String, data: String)? {
            guard let push = object["push"] as? [String: Any], let channel = push["channel"] as? String,
                let data = (push["pub"] as? [String: Any])?["data"],
                let json = try? JSONSerialization.data(
                    withJSONObject: data, options: [.fragmentsAllowed, .sortedKeys, .withoutEscapingSlashes])
            else { return nil }
            return (channel, String(decoding: json, as: UTF8.self))
        }
    }

    public let socket: WebSocketClient
    private let nextID = Atomic<Int>(1)
    private let waiting = Mutex<[Message]>([])

    private let session = Mutex("")

    public var node: String { socket.node }
    /// By which others know it.
    public var clientID: String { session.withLock(\.self) }

    private init(_ socket: WebSocketClient) { self.socket = socket }

    /// Opens a connection and sends `connect`.
    public static func connect(
        _ port: Int, path: String = "/connection/websocket", headers: [String: String] = [:], tls: TLSClient? = nil
    ) async throws -> CentrifugeClient {
        let client = try await open(port, path: path, headers: headers, tls: tls)
        let reply = try await client.command(#""connect":{}"#)
        guard reply.errorCode == nil else { throw NotInTime(what: "a session; got \(reply.text)") }
        client.session.withLock { $0 = reply.result("connect", "client") ?? "" }
        return client
    }

    /// Opens a connection and says nothing yet.
    public static func open(
        _ port: Int, path: String = "/connection/websocket", headers: [String: String] = [:], tls: TLSClient? = nil
    ) async throws -> CentrifugeClient {
        CentrifugeClient(try await WebSocketClient.connect(port, path, headers: headers, tls: tls))
    }

    /// Sends `{"id":n,…}` and gives the reply; pushes that come before it are kept.
    public func command(_ body: String) async throws -> Message {
        let id = nextID.add(1, ordering: .relaxed).oldValue
        try await socket.send("{\"id\":\(id),\(body)}")
        while true {
            let message = try await read()
            if message.id == id { return message }
            waiting.withLock { $0.append(message) }
        }
    }

    @discardableResult
    public func subscribe(_ channel: String) async throws -> Message {
        try await command("\"subscribe\":{\"channel\":\"\(channel)\"}")
    }

    @discardableResult
    public func unsubscribe(_ channel: String) async throws -> Message {
        try await command("\"unsubscribe\":{\"channel\":\"\(channel)\"}")
    }

    /// - Parameter data: JSON.
    @discardableResult
    public func publish(_ channel: String, _ data: String) async throws -> Message {
        try await command("\"publish\":{\"channel\":\"\(channel)\",\"data\":\(data)}")
    }

    /// The next publication.
    public func nextPublication(within limit: Duration = patience) async throws -> (channel: String, data: String) {
        let deadline = ContinuousClock.now + limit
        while true {
            let kept = waiting.withLock { $0.isEmpty ? nil : $0.removeFirst() }
            let message: Message =
                if let kept { kept } else { try await read(within: deadline - .now) }
            if let publication = message.publication { return publication }
        }
    }

    /// The next message, pings answered.
    public func read(within limit: Duration = patience) async throws -> Message {
        let deadline = ContinuousClock.now + limit
        while true {
            let text = try await socket.nextText(within: deadline - .now)
            guard text == "{}" else { return Message(text: text) }
            try await socket.send("{}")
        }
    }

    public func close() async { await socket.close() }
}
