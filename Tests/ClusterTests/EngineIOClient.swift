import FanfareTestKit
import Foundation

/// A client of Engine.IO, thin enough to send each request through another node, and to do what no client should.
struct EngineIOClient: Sendable {
    /// Those of the protocol's suite.
    static let suiteFlags = [
        "--ping-interval", "300ms", "--pong-timeout", "200ms", "--max-message-bytes", "1000000", "--loops", "1",
    ]
    static let separator = "\u{1E}"

    let sid: String
    /// What the open packet says.
    let handshake: String
    let path: String
    /// How it speaks TLS; `nil`: it does not.
    let tls: TLSClient?

    /// Opens a session by polling.
    static func open(
        _ port: Int, path: String = "/engine.io/", headers: [String: String] = [:], tls: TLSClient? = nil
    ) async throws -> EngineIOClient {
        var answer = try await HTTP.get(port, path + "?EIO=4&transport=polling", headers: headers, tls: tls)
        // A node that is just there may not be heard by the others yet.
        if answer.status == 503 {
            try await eventually("a session; got \(answer.status) \(answer.body)") {
                answer = try await HTTP.get(port, path + "?EIO=4&transport=polling", headers: headers, tls: tls)
                return answer.status != 503
            }
        }
        return try EngineIOClient(answer.body, path, tls)
    }

    /// Opens a session on a WebSocket.
    static func openSocket(_ port: Int, path: String = "/engine.io/") async throws -> (EngineIOClient, WebSocketClient)
    {
        let socket = try await WebSocketClient.connect(port, path + "?EIO=4&transport=websocket")
        return (try EngineIOClient(try await socket.nextText(), path), socket)
    }

    private init(_ packet: String, _ path: String, _ tls: TLSClient? = nil) throws {
        guard let sid = packet.firstMatch(of: /^0\{"sid":"([0-9a-f.-]+)"/)?.1 else {
            throw NotInTime(what: "an open packet; got \(packet)")
        }
        (self.sid, handshake, self.path) = (String(sid), packet, path)
        self.tls = tls
    }

    private var query: String { "?EIO=4&transport=polling&sid=\(sid)" }

    /// Fetches what waits.
    func answer(_ port: Int, headers: [String: String] = [:]) async throws -> HTTPAnswer {
        try await HTTP.get(port, path + query, headers: headers, tls: tls)
    }

    /// Fetches packets; fails on an error.
    func poll(_ port: Int, headers: [String: String] = [:]) async throws -> [String] {
        let answer = try await answer(port, headers: headers)
        guard answer.status == 200 else { throw NotInTime(what: "packets; got \(answer.status) \(answer.body)") }
        return answer.body.components(separatedBy: Self.separator)
    }

    @discardableResult
    func post(_ port: Int, _ packets: String..., headers: [String: String] = [:]) async throws -> HTTPAnswer {
        try await HTTP.post(port, path + query, packets.joined(separator: Self.separator), headers: headers, tls: tls)
    }

    /// Opens a WebSocket for the session.
    func socket(_ port: Int) async throws -> WebSocketClient {
        try await WebSocketClient.connect(port, path + "?EIO=4&transport=websocket&sid=\(sid)", tls: tls)
    }

    /// Opens one and has its probe answered.
    func probed(_ port: Int) async throws -> WebSocketClient {
        let socket = try await socket(port)
        try await socket.send("2probe")
        let answer = try await socket.nextText()
        guard answer == "3probe" else { throw NotInTime(what: "3probe; got \(answer)") }
        return socket
    }

    /// Sends a GET and leaves its answer to the caller.
    func pending(_ port: Int) async throws -> SocketClient {
        let socket = try await SocketClient.connect(port, tls: tls)
        try await socket.send("GET \(path)\(query) HTTP/1.1\r\nHost: a\r\n\r\n")
        return socket
    }
}

extension SocketClient {
    /// The next answer.
    func nextAnswer() async throws -> HTTPAnswer {
        guard let answer = try await receive("an answer", { HTTPAnswer.parse(&$0) }) else {
            throw NotInTime(what: "an answer: connection closed")
        }
        return answer
    }
}

/// Runs `body` with a node that echoes.
func withEcho(_ flags: [String] = [], _ body: (Node) async throws -> Void) async throws {
    try await withEchoes(1, flags) { nodes, _ in try await body(nodes[0]) }
}

/// Runs `body` with nodes that echo, on one Redis where there are several, and see each other; and with an nginx before them where
/// there are several.
func withEchoes(
    _ count: Int, _ flags: [String] = [], _ body: ([Node], _ nginx: Int) async throws -> Void
) async throws {
    guard count > 1 else {
        let node = try await Node.start("one", command: "echo", flags: flags)
        return try await end([node]) { try await body([node], node.port) }
    }
    try await withRedis { redis in
        var nodes: [Node] = []
        for index in 0..<count {
            nodes.append(try await Node.start("n\(index)", command: "echo", redis: redis.url, flags: flags))
        }
        try await end(nodes) {
            for node in nodes {
                try await eventually("\(node.name) sees all") {
                    try await node.metric("fanfare_nodes") == Double(count)
                }
            }
            try await withNginx(ports: nodes.map(\.port)) { try await body(nodes, $0.port) }
        }
    }
}

private func end(_ nodes: [Node], _ body: () async throws -> Void) async throws {
    do {
        try await body()
        for node in nodes { await node.stop() }
    } catch {
        for node in nodes { await node.stop() }
        throw error
    }
}
