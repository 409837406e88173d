import FanfareTestKit
import Foundation
import Synchronization

/// A client of the Centrifuge protocol that hears a stream and sends its commands with `POST /emulation`, thin enough to see every
/// message and to send each through another node.
final class EmulatedClient: Sendable {
    enum Form: String, CaseIterable, Sendable {
        case events = "sse"
        case lines = "http_stream"
    }

    /// Of nodes with a namespace in which a session can do everything.
    static let flags = ["--namespaces", "chat: history=100/10m recovery presence publish=subscribers"]

    let form: Form
    let stream: StreamClient
    private let nextID = Atomic<Int>(2)
    private let waiting = Mutex<[CentrifugeClient.Message]>([])
    private let identity = Mutex<(session: String, client: String)>(("", ""))

    private init(_ form: Form, _ stream: StreamClient) {
        self.form = form
        self.stream = stream
    }

    /// What its requests show.
    var session: String { identity.withLock(\.session) }
    var clientID: String { identity.withLock(\.client) }
    /// The node of the session.
    var node: String { stream.node }

    /// Opens a stream and reads the reply to `connect`.
    ///
    /// - Parameter connect: the content of the command.
    static func connect(
        _ port: Int, _ form: Form, connect: String = "{}", headers: [String: String] = [:]
    ) async throws -> EmulatedClient {
        var client = try await open(port, form, first: "{\"id\":1,\"connect\":\(connect)}", headers: headers)
        // A node that is just there may not be heard by the others yet.
        try await eventually("a stream; got \(client.stream.answer)") {
            guard client.stream.answer.status == 503 else { return client.stream.answer.status == 200 }
            await client.close()
            client = try await open(port, form, first: "{\"id\":1,\"connect\":\(connect)}", headers: headers)
            return false
        }
        let reply = try await client.read()
        guard reply.id == 1, reply.errorCode == nil else { throw NotInTime(what: "a session; got \(reply.text)") }
        client.identity.withLock {
            $0 = (reply.result("connect", "session") ?? "", reply.result("connect", "client") ?? "")
        }
        return client
    }

    /// Opens a stream with any first commands.
    static func open(
        _ port: Int, _ form: Form, first: String, prefix: String = "", headers: [String: String] = [:]
    ) async throws -> EmulatedClient {
        let path = "/connection/\(prefix)\(form.rawValue)"
        switch form {
        case .events:
            let query = first.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? ""
            return EmulatedClient(
                form, try await StreamClient.connect(port, "\(path)?cf_connect=\(query)", headers: headers))
        case .lines:
            return EmulatedClient(
                form,
                try await StreamClient.connect(
                    port, path, headers: ["Accept": "*/*"].merging(headers) { $1 }, method: "POST", body: first))
        }
    }

    /// Sends commands, newlines between them, through a node or nginx.
    func post(
        _ commands: String, through port: Int, session: String? = nil, headers: [String: String] = [:]
    ) async throws -> HTTPAnswer {
        try await Self.post(commands, session: session ?? self.session, through: port, headers: headers)
    }

    static func post(
        _ commands: String, session: String, through port: Int, headers: [String: String] = [:]
    ) async throws -> HTTPAnswer {
        let body = try JSONSerialization.data(
            withJSONObject: ["session": session, "node": "n", "data": commands], options: .withoutEscapingSlashes)
        return try await HTTP.post(port, "/emulation", String(decoding: body, as: UTF8.self), headers: headers)
    }

    /// Sends `{"id":n,…}` through a node or nginx and gives the reply; pushes that come before it are kept.
    func command(_ body: String, through port: Int) async throws -> CentrifugeClient.Message {
        let id = nextID.add(1, ordering: .relaxed).oldValue
        let answer = try await post("{\"id\":\(id),\(body)}", through: port)
        guard answer.status == 204 else { throw NotInTime(what: "204; got \(answer.status) \(answer.body)") }
        while true {
            let message = try await read()
            if message.id == id { return message }
            waiting.withLock { $0.append(message) }
        }
    }

    /// The data of the next publication.
    func nextData(within limit: Duration = patience) async throws -> String {
        while true {
            let kept = waiting.withLock { $0.isEmpty ? nil : $0.removeFirst() }
            let message = if let kept { kept } else { try await read(within: limit) }
            if let publication = message.publication { return publication.data }
        }
    }

    /// The next message, pings passed over.
    func read(within limit: Duration = patience) async throws -> CentrifugeClient.Message {
        while true {
            let text: String? =
                switch form {
                case .events: try await stream.next(within: limit)?.data.string
                case .lines: try await stream.nextLine(within: limit)
                }
            guard let text else { throw NotInTime(what: "a message: the stream has ended") }
            if text != "{}" { return CentrifugeClient.Message(text: text) }
        }
    }

    func close() async { await stream.close() }
}

/// Runs `body` with nodes that see each other.
func withEmulation(_ count: Int, _ flags: [String] = [], _ body: (Cluster) async throws -> Void) async throws {
    try await withCluster(nodes: count, flags: EmulatedClient.flags + flags) { cluster in
        for node in cluster.nodes {
            try await eventually("\(node.name) sees all") { try await node.metric("fanfare_nodes") == Double(count) }
        }
        try await body(cluster)
    }
}
