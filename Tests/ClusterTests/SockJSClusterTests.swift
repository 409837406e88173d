import FanfareTestKit
import Foundation
import NIOCore
import Synchronization
import Testing

/// Sessions of SockJS whose requests land on any node: no balancer has to keep a client with its node.
@Suite("Cluster: SockJS on several nodes", .serialized)
struct SockJSClusterTests {
    /// Nodes on one Redis that have heard of each other.
    private func withNodes(_ count: Int = 3, flags: [String] = [], _ body: ([Node]) async throws -> Void) async throws {
        try await withRedis { redis in
            var nodes: [Node] = []
            do {
                for number in 0..<count {
                    nodes.append(try await Node.start("node-\(number)", redis: redis.url, flags: flags))
                }
                try await eventually("all nodes are in view") {
                    for node in nodes where try await node.metric("fanfare_nodes") < Double(count) { return false }
                    return true
                }
                try await body(nodes)
            } catch {
                for node in nodes { await node.stop() }
                throw error
            }
            for node in nodes { await node.stop() }
        }
    }

    /// All nodes learn where a session is: a body's search waits for a slow node, where a receiver would open another session.
    private func makeKnown(_ client: SockJSClient, _ ports: [Int]) async throws {
        for port in ports {
            try await eventually("the session is found") { try await client.through(port).send([]) == 204 }
        }
    }

    @Test("each request of a session on another node: polls, sends, streams, a second receiver, and the end")
    func anywhere() async throws {
        try await withNodes { nodes in
            let client = SockJSClient(nodes[0].port, "channels/a")
            try await client.open()
            try await makeKnown(client, nodes.map(\.port))
            for (index, node) in nodes.enumerated() {
                let here = client.through(node.port)
                #expect(try await here.send(["m\(index)"]) == 204)
                #expect(try await client.through(nodes[(index + 1) % 3].port).messages(1) == ["m\(index)"])
            }
            let stream = try await client.through(nodes[1].port).stream()
            _ = try await stream.chunk()
            for node in nodes {
                #expect(try await client.through(node.port).poll() == #"c[2010,"Another connection still open"]"#)
            }
            for (index, node) in nodes.enumerated() {
                try await node.publish("a", "\(index)")
                #expect(try await stream.chunk() == "a[\"\(index)\"]\n")
            }
            await stream.close()
            try await eventually("its session has ended, wherever it is") {
                try await nodes[0].metric("fanfare_connections") == 0
            }
            #expect(try await client.through(nodes[2].port).poll() == #"c[1002,"Connection interrupted"]"#)
            var sessions = 0.0
            for node in nodes { sessions += try await node.metric("fanfare_connections_accepted_total") }
            #expect(sessions == 1, "no node opened another one")
        }
    }

    @Test("whoever asks on hears everything once and in order, wherever each poll lands")
    func conservation() async throws {
        try await withNodes { nodes in
            let client = SockJSClient(nodes[2].port, "channels/a")
            try await client.open()
            try await makeKnown(client, nodes.map(\.port))
            let count = 200
            async let published: Void = {
                for number in 0..<count { try await nodes[number % 3].publish("a", "\(number)") }
            }()
            var heard: [Int] = []
            var turn = 0
            while heard.count < count {
                turn += 1
                let frame = try await client.through(nodes[turn % 3].port).poll()
                heard += try SockJSClient.messages(of: frame).compactMap { Int($0) }
            }
            try await published
            #expect(heard.sorted() == Array(0..<count), "nothing is lost or doubled")
            for node in 0..<3 {
                let own = heard.filter { $0 % 3 == node }
                #expect(own == own.sorted(), "what one node published stays in order")
            }
        }
    }

    @Test("the session's node dies: a stream elsewhere is told, and a poll opens a new session")
    func nodeDies() async throws {
        try await withNodes(2) { nodes in
            let client = SockJSClient(nodes[0].port, "channels/a")
            try await client.open()
            try await makeKnown(client, [nodes[1].port])
            let stream = try await client.through(nodes[1].port).stream()
            _ = try await stream.chunk()
            await nodes[0].kill()
            #expect(try await stream.chunk() == #"c[1002,"Connection interrupted"]"# + "\n")
            #expect(try await stream.chunk().isEmpty)
            await stream.close()
            // Until its node is out of view the session can't be asked, and might be there.
            try await eventually("a poll opens a new session") {
                let answer = try await client.through(nodes[1].port).post("xhr")
                #expect(answer.status == 503 || answer.body == "o\n", "\(answer.status) \(answer.body)")
                return answer.body == "o\n"
            }
        }
    }

    @Test("receivers elsewhere whose clients go leave no place taken, on neither node")
    func abortedReceivers() async throws {
        try await withNodes(2) { nodes in
            for round in 0..<3 {
                let client = SockJSClient(nodes[0].port, "channels/a")
                try await client.open()
                try await makeKnown(client, [nodes[1].port])
                // A poll, whose answer would be the first byte; and a stream.
                let (path, port) = (client.path, nodes[1].port)
                let poll = try await SocketClient.connect(port)
                let transport = round == 0 ? "xhr_streaming" : "xhr"
                try await poll.send("POST \(path)/\(transport) HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n")
                try await eventually("it waits at the session") {
                    try await nodes[0].metric("fanfare_session_answering") == 1
                }
                await poll.close()
                try await eventually("nothing waits") {
                    try await nodes[0].metric("fanfare_session_answering") == 0
                }
                #expect(try await client.through(port).poll() == #"c[1002,"Connection interrupted"]"#)
            }
            #expect(try await nodes[0].metric("fanfare_session_busy_total") == 0)
        }
    }

    @Test("while a node says nothing, a body for its session is not refused as one of no session")
    func silentNode() async throws {
        try await withNodes(2) { nodes in
            let client = SockJSClient(nodes[0].port, "channels/a")
            try await client.open()
            nodes[0].signal(SIGSTOP)
            let status = try await client.through(nodes[1].port).send(["x"])
            nodes[0].signal(SIGCONT)
            #expect(status == 503)
        }
    }

    /// The body of an answer that comes while the test does something else.
    private final class Answer: Sendable {
        let body = Mutex("")
    }

    @Test("an answer of another node that does not come ends the session: what was in it is not passed over")
    func lostAnswer() async throws {
        try await withNodes(2, flags: ["--ping-interval", "2s", "--pong-timeout", "1s"]) { nodes in
            let client = SockJSClient(nodes[0].port, "channels/a")
            try await client.open()
            try await makeKnown(client, [nodes[1].port])
            let there = client.through(nodes[1].port)
            let answer = Answer()
            repeat {
                answer.body.withLock { $0 = "" }
                let poll = Task {
                    let text = (try? await there.post("xhr"))?.body ?? "no answer"
                    answer.body.withLock { $0 = text }
                }
                try await eventually("it waits at the session, or has its answer") {
                    if !answer.body.withLock(\.isEmpty) { return true }
                    return try await nodes[0].metric("fanfare_session_answering") == 1
                }
                nodes[0].signal(SIGSTOP)
                await poll.value
                nodes[0].signal(SIGCONT)
                // One whose time was over before its node stood still is asked again.
            } while answer.body.withLock { $0 == "h\n" }
            #expect(answer.body.withLock(\.self) == #"c[1002,"Connection interrupted"]"# + "\n")
            try await eventually("its session has ended") { try await nodes[0].metric("fanfare_connections") == 0 }
        }
    }

    @Test("through nginx without stickiness, streams and polls alike")
    func throughNginx() async throws {
        try await withCluster { cluster in
            try await eventually("all nodes are in view") {
                for node in cluster.nodes where try await node.metric("fanfare_nodes") < 3 { return false }
                return true
            }
            var used = Set<String>()
            let client = SockJSClient(cluster.port, "channels/a")
            try await client.open()
            try await makeKnown(client, cluster.nodes.map(\.port))
            for number in 0..<12 {
                // Each request without nginx' cookie goes where it falls.
                let sent = try await client.post("xhr_send", #"["\#(number)"]"#)
                #expect(sent.status == 204)
                if let node = sent["fanfare-node"] { used.insert(node) }
                #expect(try await client.messages(1) == ["\(number)"])
            }
            #expect(used.count > 1, "requests landed on \(used)")
            let stream = try await client.stream("eventsource")
            #expect(try await stream.chunk() == "\r\n")
            try await cluster.nodes[0].publish("a", "1")
            #expect(try await stream.chunk() == "data: a[\"1\"]\r\n\r\n")
            await stream.close()
        }
    }
}
