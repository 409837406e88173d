import FanfareTestKit
import Testing

@Suite("What the log says about refused clients")
struct RefusalLogTests {
    @Test("a refused request and an ended client leave a line with address and reason, and no token")
    func lines() async throws {
        try await withNode(dev: false) { node in
            let headers = ["X-Forwarded-For": "192.0.2.7", "Authorization": "Bearer se.cr.et"]
            let answer = try await HTTP.post(node.port, "/channels/a?token=se.cr.et", "x", headers: headers)
            #expect(answer.status == 401)
            try await eventually("the log has it") {
                node.log.contains("client refused: ")
            }
            let line = try #require(node.lines { $0.contains("client refused") }.first)
            for part in ["info", "address=192.0.2.7", "reason=unauthorized", "status=401", "POST /channels/a"] {
                #expect(line.contains(part), "\(line)")
            }
            let anonymous = try await HTTP.get(node.port, "/nothing/here", headers: ["X-Forwarded-For": "192.0.2.8"])
            #expect(anonymous.status == 404)
            let client = try await WebSocketClient.connect(node.port, "/connection/websocket")
            try await client.send("no command")
            #expect(try await client.closeCode() == 3501)
            try await eventually("both are in the log") {
                node.log.contains("address=192.0.2.8")
                    && node.log.contains("client ended: a command is not a JSON object")
            }
            #expect(!node.log.contains("se.cr.et"))
        }
    }

    @Test("who is cut because all queues together are too big leaves a line that says so")
    func cut() async throws {
        let flags = ["--max-node-queue-bytes", "16MiB", "--max-queue-bytes", "16MiB", "--slow-timeout", "10m"]
        try await withNode(flags: flags) { node in
            var sleepers: [WebSocketClient] = []
            for _ in 0..<4 {
                let client = try await node.raw("c", receiveBuffer: 4_096)
                try await client.socket.pauseReading()
                sleepers.append(client)
            }
            let big = "\"" + String(repeating: "x", count: 500_000) + "\""
            try await eventually("the log has it") {
                _ = try await node.publish("c", big)
                return node.log.contains("and the node's queues are full")
            }
            let line = try #require(node.lines { $0.contains("queues are full") }.first)
            for part in ["client ended: slow consumer: ", "code=3008"] { #expect(line.contains(part), "\(line)") }
            for client in sleepers { await client.close() }
        }
    }

    @Test("a flood is a few lines and a count")
    func flood() async throws {
        try await withNode { node in
            for _ in 0..<60 { _ = try await HTTP.get(node.port, "/nothing") }
            try await eventually("what was held back is told") {
                node.log.contains("more like this") || node.log.contains("not logged one by one")
            }
            #expect(node.lines { $0.contains("client refused: no such path") }.count < 40)
        }
    }
}

extension Node {
    /// Lines of its log that fit.
    fileprivate func lines(_ fits: (Substring) -> Bool) -> [Substring] {
        log.split(separator: "\n").filter(fits)
    }
}
