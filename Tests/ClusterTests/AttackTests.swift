import FanfareTestKit
import NIOCore
import Testing

/// Connections that are there to wear a node out. `make attack` does the same in crowds and measures what neighbours feel.
@Suite("Cluster: attacks", .serialized)
struct AttackTests {
    /// Runs `body` beside a neighbour that must hear its own messages before and after, and waits until the node holds
    /// nothing of it any more.
    private func withNeighbour(_ flags: [String], _ body: (Node) async throws -> Void) async throws {
        // The neighbour answers pings only while it listens for something.
        try await withNode(flags: flags + ["--ping-interval", "off"]) { node in
            let neighbour = try await node.raw("neighbour")
            try await hears(neighbour, "before")
            let files = try await node.metric("process_open_fds")
            try await body(node)
            try await hears(neighbour, "after")
            try await eventually("only the neighbour is left") {
                guard try await node.metric("fanfare_connections") == 1 else { return false }
                guard try await node.metric("fanfare_pending_connections") == 0 else { return false }
                guard try await node.metric("fanfare_queue_bytes") == 0 else { return false }
                return try await node.metric("process_open_fds") <= files
            }
            await neighbour.close()
        }
    }

    private func hears(_ client: WebSocketClient, _ text: String) async throws {
        try await client.send(text)
        let heard = try await client.nextText()
        #expect(heard == text)
    }

    private func counted(_ node: Node, _ metric: String, _ value: Double) async throws {
        try await eventually("\(metric) is \(value)") { try await node.metric(metric) == value }
    }

    @Test("silent sockets above the limit take the place of the oldest, the others get 408, then there is room again")
    func silent() async throws {
        let flags = ["--max-pending-connections", "10", "--handshake-timeout", "10s", "--loops", "1"]
        try await withNeighbour(flags) { node in
            var sockets: [SocketClient] = []
            for _ in 0..<10 { sockets.append(try await SocketClient.connect(node.port)) }
            try await counted(node, "fanfare_pending_connections", 10)
            for _ in 0..<5 {
                let oldest = sockets.removeFirst()
                sockets.append(try await SocketClient.connect(node.port))
                let answer = try await oldest.receive("the end") { HTTPAnswer.parse(&$0) }
                #expect(answer == nil)
            }
            try await counted(node, #"fanfare_connections_refused_total{reason="pending_limit"}"#, 5)
            for socket in sockets {
                let answer = try await socket.receive("an answer") { HTTPAnswer.parse(&$0) }
                #expect(answer?.status == 408)
                await socket.close()
            }
            try await counted(node, #"fanfare_connections_refused_total{reason="handshake_timeout"}"#, 10)
        }
    }

    @Test("a request that comes byte by byte has no more time than another")
    func drip() async throws {
        try await withNeighbour(["--handshake-timeout", "1s"]) { node in
            let socket = try await SocketClient.connect(node.port)
            let drip = Task {
                for byte in Array("GET / HTTP/1.1\r\nHost: ".utf8) + Array(repeating: 97, count: 1_000) {
                    socket.sendLater(ByteBuffer(bytes: [byte]))
                    try await Task.sleep(for: .milliseconds(50))
                }
            }
            let answer = try await socket.receive("an answer") { HTTPAnswer.parse(&$0) }
            drip.cancel()
            #expect(answer?.status == 408)
            await socket.close()
        }
    }

    @Test("a peer that neither reads nor answers is closed with 3012, like one whose line is cut")
    func frozen() async throws {
        // As long as a machine may stand still: the neighbour must be able to answer in time.
        try await withNode(flags: ["--ping-interval", "8s", "--pong-timeout", "7s"]) { node in
            let neighbour = try await node.raw("n")
            // It answers pings until somebody says the word.
            async let word = neighbour.nextText()
            let frozen = try await node.raw("a")
            try await frozen.socket.pauseReading()
            try await counted(node, #"fanfare_disconnects_total{code="3012"}"#, 1)
            try await counted(node, "fanfare_connections", 1)
            try await node.publish("n", "1")
            #expect(try await word == "1")
            try await counted(node, "fanfare_queue_bytes", 0)
            for client in [frozen, neighbour] { await client.close() }
        }
    }

    @Test("a message into a channel where nobody may publish ends with 3507")
    func forbidden() async throws {
        try await withNeighbour(["--namespaces", "news: publish=nobody"]) { node in
            let client = try await node.raw("news:1")
            try await client.send("x")
            let code = try await client.closeCode()
            #expect(code == 3_507)
            await client.close()
        }
    }

    @Test("connections that are reset at once, within a request or after the upgrade leave nothing behind")
    func resets() async throws {
        try await withNeighbour([]) { node in
            for _ in 0..<20 {
                let silent = try await SocketClient.connect(node.port)
                await silent.reset()
                let half = try await SocketClient.connect(node.port)
                try await half.send("GET /channels/a/ws HTTP/1.1\r\nHost: a\r\n")
                await half.reset()
                let upgraded = try await node.raw("a")
                await upgraded.socket.reset()
            }
            try await counted(node, #"fanfare_disconnects_total{code="1006"}"#, 20)
        }
    }

    @Test("polls that begin a cursor and never come back leave nothing behind when their time is over")
    func abandonedPolls() async throws {
        try await withNeighbour(["--poll-gap", "15s", "--max-connections-per-address", "30"]) { node in
            let begin =
                "GET /channels/a/poll?cursor=new&wait=0 HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 192.0.2.1\r\n\r\n"
            // All at once, so that the first is still kept when the last comes.
            let statuses = try await statuses(node, String(repeating: begin, count: 60))
            #expect(statuses[204, default: 0] >= 25 && statuses[429] == 1 && statuses.count == 2)
        }
    }

    @Test("polls whose clients read nothing of their answers are cut with 3008, and neighbours hear on")
    func sleepingPolls() async throws {
        let flags = ["--namespaces", "past: history=100/1m recovery; *: publish=clients", "--slow-timeout", "1s"]
        try await withNeighbour(flags + ["--close-timeout", "500ms"]) { node in
            let text = String(repeating: "x", count: 40_000)
            for _ in 0..<60 { try await node.publish("past:a", "\"\(text)\"") }
            var sleepers: [PlainSocket] = []
            for _ in 0..<20 {
                let socket = try PlainSocket(node.port, receiveBuffer: 4_096, segment: 536)
                socket.send(ByteBuffer(string: "GET /channels/past:a/poll?last=100 HTTP/1.1\r\nHost: a\r\n\r\n"))
                sleepers.append(socket)
            }
            try await eventually("all of them have been counted") {
                sleepers.forEach { $0.push() }
                return try await node.metric("fanfare_connections_accepted_total") == 21
            }
            try await counted(node, #"fanfare_disconnects_total{code="3008"}"#, 20)
            sleepers.forEach { $0.reset() }
        }
    }

    @Test("a thousand polls of one cursor on one connection are answered, or refused by the rate of their address")
    func pollFlood() async throws {
        try await withNeighbour(["--poll-gap", "20s", "--max-connect-rate-per-address", "50"]) { node in
            let begun = try await PollClient(port: node.port, channel: "a").poll("cursor=new&wait=0")
            let poll =
                "GET /channels/a/poll?cursor=\(begun.cursor ?? "")&wait=0 HTTP/1.1\r\nHost: a\r\n"
                + "X-Forwarded-For: 192.0.2.1\r\n\r\n"
            let statuses = try await statuses(node, String(repeating: poll, count: 1_000))
            #expect(statuses[429] == 1 && statuses[204, default: 0] >= 100 && statuses.count == 2)
        }
    }

    @Test(
        "polls of one cursor from many addresses, through its node and another, waiting or not, are answered or refused, and it goes on"
    )
    func oneCursor() async throws {
        // Twenty at once.
        let flags = ["--poll-gap", "1m", "--max-connect-rate-per-address", "4"]
        try await withCluster(nodes: 2, flags: flags) { cluster in
            for node in cluster.nodes {
                try await eventually("\(node.name) sees both") { try await node.metric("fanfare_nodes") == 2 }
            }
            let (home, other) = (cluster.nodes[0], cluster.nodes[1])
            let cursor = try #require(
                try await PollClient(port: home.port, channel: "a").poll("cursor=new&wait=0").cursor)
            let answers = try await withThrowingTaskGroup(of: [Int: Int].self) { group in
                for number in 0..<24 {
                    group.addTask {
                        func poll(_ more: String = "") -> String {
                            "GET /channels/a/poll?cursor=\(cursor)&wait=\(number % 3 == 0 ? "5ms" : "0") HTTP/1.1\r\n"
                                + "Host: a\r\nX-Forwarded-For: 192.0.2.\(number)\r\n\(more)\r\n"
                        }
                        let polls = String(repeating: poll(), count: number % 3 == 0 ? 9 : 99)
                        return try await statuses(number % 2 == 0 ? home : other, polls + poll("Connection: close\r\n"))
                    }
                }
                return try await group.reduce(into: [Int: Int]()) { $0.merge($1, uniquingKeysWith: +) }
            }
            #expect(Set(answers.keys).isSubset(of: [204, 429, 503]), "\(answers)")
            #expect(answers[204, default: 0] > 100 && answers[429, default: 0] > 0, "\(answers)")
            // What a poll that gave way took along is the next one's.
            try await home.publish("a", "1")
            let next = try await PollClient(port: other.port, channel: "a").poll("cursor=\(cursor)&wait=20s")
            #expect(next.lines == [#"{"data":1}"#] && next.cursor?.hasSuffix(".1") == true, "\(next)")
            try await eventually("nothing is left but the cursor") {
                let (here, there) = (
                    try await home.metric("fanfare_connections"), try await other.metric("fanfare_connections")
                )
                return here == 1 && there == 0
            }
        }
    }

    /// The answers to requests on one connection, up to its end.
    private func statuses(_ node: Node, _ requests: String) async throws -> [Int: Int] {
        let socket = try await SocketClient.connect(node.port)
        try await socket.send(requests)
        var statuses: [Int: Int] = [:]
        while let answer = try await socket.receive("an answer", { HTTPAnswer.parse(&$0) }) {
            statuses[answer.status, default: 0] += 1
        }
        await socket.close()
        return statuses
    }
}
