import FanfareTestKit
import Foundation
import Synchronization
import Testing

/// Sessions that outlive their requests, on nodes that are on their way out.
@Suite("Cluster: sessions over requests, and nodes that drain", .serialized)
struct SessionDrainTests {
    /// Their ends are spread over the drain: that all of so many are told in its first tenth does not happen. No ping comes meanwhile.
    private static let drain = [
        "--drain", "15s", "--ping-interval", "66s", "--pong-timeout", "8s", "--handshake-timeout", "60s",
    ]
    private static let sessions = 10

    @Test(
        "sessions of Engine.IO are served while their node drains, on their connections and through other nodes, each until it is told; nothing new begins",
        .timeLimit(.minutes(10)))
    func engineIO() async throws {
        try await withEchoes(2, Self.drain) { nodes, _ in
            let (node, other) = (nodes[0], nodes[1])
            let begin: @Sendable (Conversation) async throws -> Served = { conversation in
                let client = try await EngineIOClient.open(node.port)
                let path = "/engine.io/?EIO=4&transport=polling&sid=\(client.sid)"
                let sockets = try await connections(2, to: node, warm: "/engine.io/")
                let served = try await conversation.run { number in
                    try await post("4\(number)", path, on: sockets[0]).status == 200
                } receive: {
                    try await sockets[1].send("GET \(path) HTTP/1.1\r\nHost: a\r\n\r\n")
                    return Self.packets(try await sockets[1].nextAnswer())
                }
                for socket in sockets { await socket.close() }
                return served
            }
            let beginElsewhere: @Sendable (Conversation) async throws -> Served = { conversation in
                let client = try await EngineIOClient.open(node.port)
                return try await conversation.run { number in
                    try await client.post(other.port, "4\(number)").status == 200
                } receive: {
                    Self.packets(try await client.answer(other.port))
                }
            }
            let served = try await drain(node, [begin, beginElsewhere], warm: "/engine.io/") { late in
                try await post("", "/engine.io/?EIO=4&transport=polling", on: late)
            }
            for one in served { #expect(one.end == "1", "\(one)") }
        }
    }

    private static func packets(_ answer: HTTPAnswer) -> (messages: [String], end: String?)? {
        guard answer.status == 200 else { return nil }
        var packets = answer.body.components(separatedBy: EngineIOClient.separator)
        let end = packets.last == "1" ? packets.removeLast() : nil
        return (packets.map { String($0.dropFirst()) }, end)
    }

    @Test("so are those of SockJS", .timeLimit(.minutes(10)))
    func sockJS() async throws {
        try await withCluster(nodes: 2, flags: Self.drain) { cluster in
            let (node, other) = (cluster.nodes[0], cluster.nodes[1])
            for node in cluster.nodes {
                try await eventually("\(node.name) sees all") { try await node.metric("fanfare_nodes") == 2 }
            }
            let begin: @Sendable (Conversation) async throws -> Served = { conversation in
                let sockets = try await connections(2, to: node, warm: "/sockjs/channels/a/info")
                let client = SockJSClient(node.port, "channels/\(SockJSClient.newID())")
                try await client.open()
                let served = try await conversation.run { number in
                    let answer = try await unlessGone {
                        try await post("[\"\(number)\"]", client.path + "/xhr_send", on: sockets[0])
                    }
                    return answer?.status == 204
                } receive: {
                    let poll = try await unlessGone { try await post("", client.path + "/xhr", on: sockets[1]) }
                    return try poll.flatMap(Self.messages)
                }
                for socket in sockets { await socket.close() }
                return served
            }
            let beginElsewhere: @Sendable (Conversation) async throws -> Served = { conversation in
                let client = SockJSClient(node.port, "channels/\(SockJSClient.newID())")
                try await client.open()
                let distant = client.through(other.port)
                return try await conversation.run { number in
                    try await distant.post("xhr_send", "[\"\(number)\"]").status == 204
                } receive: {
                    try Self.messages(try await distant.post("xhr"))
                }
            }
            let served = try await drain(node, [begin, beginElsewhere], warm: "/sockjs/channels/a/info") { late in
                try await post("", SockJSClient(node.port, "channels/a").path + "/xhr", on: late)
            }
            // A session says its end to whoever asks within five seconds, but not longer than its node is there.
            for one in served { #expect(one.end == "c[1012" || one.end == nil, "\(one)") }
            #expect(served.count { $0.end == nil } <= 8, "\(served)")
        }
    }

    /// What a poll of SockJS brought; `nil`: the session is gone, and perhaps another one was opened in its place.
    private static func messages(_ answer: HTTPAnswer) throws -> (messages: [String], end: String?)? {
        guard answer.status == 200, answer.body != "o\n" else { return nil }
        let frame = String(answer.body.dropLast())
        guard frame.hasPrefix("a[") else { return ([], String(frame.prefix { $0 != "," })) }
        return (try SockJSClient.messages(of: frame), nil)
    }

    /// An exchange of a session; `nil`: its end came between two requests, and with it, for it was one of the last clients, the node's.
    private func unlessGone(_ exchange: () async throws -> HTTPAnswer) async throws -> HTTPAnswer? {
        do {
            return try await exchange()
        } catch let error where ["connection closed", "closed channel"].contains(where: "\(error)".contains) {
            return nil
        }
    }

    /// Drains a node while sessions of each kind talk to it, and holds each against what is promised: it is served on, until it is told;
    /// nothing is lost, twice or out of order; and nothing new begins.
    ///
    /// - Parameters:
    ///   - warm: what is asked for on that connection, whose answer leaves it open.
    ///   - open: tries to open another session on a connection that was there before.
    private func drain(
        _ node: Node, _ kinds: [@Sendable (Conversation) async throws -> Served], warm: String,
        open: (SocketClient) async throws -> HTTPAnswer
    ) async throws -> [Served] {
        let late = try await connections(1, to: node, warm: warm)[0]
        let conversation = Conversation()
        async let talking = withThrowingTaskGroup(of: (kind: Int, served: Served).self) { group in
            for kind in kinds.indices {
                for _ in 0..<Self.sessions { group.addTask { (kind, try await kinds[kind](conversation)) } }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        try await eventually("all talk") {
            conversation.begun.load(ordering: .relaxed) == kinds.count * Self.sessions
        }
        node.terminate()
        try await eventually("it drains") { !(await node.isReady()) }
        conversation.drains.store(true, ordering: .relaxed)
        #expect(try await open(late).status == 503)
        let all = try await talking
        for (_, served) in all {
            let echoes = (0..<served.heard.count).map { "\($0 + 1)" }
            // A message behind the end, of which its sender knows nothing yet, is taken and goes nowhere.
            #expect(served.heard == echoes && served.heard.count >= served.sent - 1, "\(served)")
        }
        for kind in kinds.indices {
            let counts = all.filter { $0.kind == kind }.map(\.served.late)
            #expect(counts.max() ?? 0 >= 5, "all were sent away at once: \(counts)")
        }
        #expect(try await node.waitForExit() == 0)
        await late.close()
        return all.map(\.served)
    }

    /// Connections that were there before the drain: the node takes no others.
    private func connections(_ count: Int, to node: Node, warm path: String) async throws -> [SocketClient] {
        var sockets: [SocketClient] = []
        for _ in 0..<count {
            let socket = try await SocketClient.connect(node.port)
            try await socket.send("GET \(path) HTTP/1.1\r\nHost: a\r\n\r\n")
            _ = try await socket.nextAnswer()
            sockets.append(socket)
        }
        return sockets
    }

    private func post(_ body: String, _ path: String, on socket: SocketClient) async throws -> HTTPAnswer {
        try await socket.send(
            "POST \(path) HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)"
        )
        return try await socket.nextAnswer()
    }

    @Test(
        "a node that drains ends the polls of sessions on other nodes with its connections, and their clients go on elsewhere"
    )
    func relay() async throws {
        try await withEchoes(2) { nodes, nginx in
            let client = try await EngineIOClient.open(nodes[0].port)
            let waiting = try await client.pending(nodes[1].port)
            try await eventually("it waits") { try await nodes[0].metric("fanfare_engineio_waiting_polls") == 1 }
            nodes[1].terminate()
            #expect(try await nodes[1].waitForExit() == 0)
            // What a proxy does then; it has no answer for its client yet.
            let again = try await client.pending(nodes[0].port)
            try await client.post(nodes[0].port, "4a")
            #expect(try await again.nextAnswer().body == "4a")
            try await client.post(nodes[0].port, "4b")
            #expect(try await client.poll(nodes[0].port) == ["4b"])
            for socket in [waiting, again] { await socket.close() }
        }
    }

    @Test("a poll that waits on another node hears of the drain of its session's node")
    func asker() async throws {
        try await withEchoes(2) { nodes, _ in
            let client = try await EngineIOClient.open(nodes[0].port)
            let waiting = try await client.pending(nodes[1].port)
            try await eventually("it waits") { try await nodes[0].metric("fanfare_engineio_waiting_polls") == 1 }
            nodes[0].terminate()
            #expect(try await waiting.nextAnswer().body == "1")
            #expect(try await nodes[0].waitForExit() == 0)
            #expect(try await client.answer(nodes[1].port).body.contains("Session ID unknown"))
            await waiting.close()
        }
    }
}

/// What a session lived through.
private struct Served {
    /// Messages that were taken.
    var sent = 0
    /// What came back before the end.
    var heard: [String] = []
    /// Exchanges that began when the node drained.
    var late = 0
    /// How the end was said; `nil`: it was not.
    var end: String?
}

/// What sessions have in common that send and receive in turns until they are told to go.
private final class Conversation: Sendable {
    /// Sessions that have had an answer.
    let begun = Atomic(0)
    /// Whether the node drains.
    let drains = Atomic(false)

    /// - Parameters:
    ///   - send: sends a message; whether it was taken.
    ///   - receive: what waits, and the end if it is among it; `nil`: the session is gone.
    func run(
        send: (_ number: Int) async throws -> Bool,
        receive: () async throws -> (messages: [String], end: String?)?
    ) async throws -> Served {
        var served = Served()
        while served.end == nil {
            let isLate = drains.load(ordering: .relaxed)
            guard try await send(served.sent + 1) else { break }
            served.sent += 1
            guard let received = try await receive() else { break }
            served.heard += received.messages
            served.end = received.end
            if served.sent == 1 { begun.add(1, ordering: .relaxed) }
            if isLate, !received.messages.isEmpty { served.late += 1 }
        }
        return served
    }
}
