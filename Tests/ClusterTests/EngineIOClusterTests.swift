import FanfareTestKit
import Foundation
import Testing

/// Sessions of Engine.IO whose requests reach any node.
@Suite("Cluster: Engine.IO", .serialized)
struct EngineIOClusterTests {
    @Test("a client that polls is served by whichever node its requests reach, in order and once")
    func anyNode() async throws {
        try await withEchoes(3) { nodes, _ in
            let client = try await EngineIOClient.open(nodes[0].port)
            var heard: [String] = []
            for number in 0..<60 {
                #expect(try await client.post(nodes[number % 3].port, "4\(number)").body == "ok")
                if number % 4 == 3 { heard += try await client.poll(nodes[number / 4 % 3].port) }
            }
            #expect(heard == (0..<60).map { "4\($0)" })
            let waiting = try await client.pending(nodes[1].port)
            try await client.post(nodes[2].port, "bAQID", "4last")
            #expect(try await waiting.nextAnswer().body == "bAQID\u{1E}4last")
            // The rules of one poll and one end hold across nodes, too.
            try await waiting.send(
                "GET \(client.path)?EIO=4&transport=polling&sid=\(client.sid) HTTP/1.1\r\nHost: a\r\n\r\n")
            try await eventually("it waits") { try await nodes[0].metric("fanfare_engineio_waiting_polls") == 1 }
            await waiting.close()
            try await eventually("its end is heard on its node") {
                try await nodes[0].metric("fanfare_connections") == 0
            }
            #expect(try await client.answer(nodes[2].port).body.contains("Session ID unknown"))
        }
    }

    @Test("through nginx without a route a client polls and moves to its WebSocket, which finds its node")
    func nginx() async throws {
        try await withEchoes(3) { nodes, nginx in
            for round in 0..<8 {
                let client = try await EngineIOClient.open(nginx)
                let sent = (0..<30).map { "4\(round)-\($0)" }
                for packet in sent[..<20] { #expect(try await client.post(nginx, packet).body == "ok") }
                var heard = try await client.poll(nginx)
                let socket = try await client.probed(nginx)
                try await socket.send("5")
                for packet in sent[20...] { try await socket.send(packet) }
                while heard.count < sent.count { heard.append(try await socket.nextText()) }
                #expect(heard == sent)
                await socket.close()
            }
            var upgrades = 0.0
            for node in nodes { upgrades += try await node.metric("fanfare_engineio_upgrades_total") }
            #expect(upgrades == 8)
        }
    }

    @Test(
        "a poll that comes through another node takes the place of one whose node died, or lives",
        .timeLimit(.minutes(10)))
    func repeated() async throws {
        try await withEchoes(3) { nodes, _ in
            let client = try await EngineIOClient.open(nodes[0].port)
            let first = try await client.pending(nodes[1].port)
            try await eventually("it waits") { try await nodes[0].metric("fanfare_engineio_waiting_polls") == 1 }
            let second = try await client.pending(nodes[2].port)
            #expect(try await first.nextAnswer().body == "6")
            await nodes[2].kill()
            // As a proxy does at once, long before anybody knows that the node died.
            let third = try await client.pending(nodes[1].port)
            try await eventually("it is on its way") {
                try await nodes[1].metric("fanfare_session_forwarded_total") == 2
            }
            #expect(try await client.post(nodes[1].port, "4a").status == 200)
            #expect(try await third.nextAnswer().body == "4a")
            for socket in [first, second, third] { await socket.close() }
        }
    }

    @Test("polls whose clients go take no place on the session's node for good", .timeLimit(.minutes(10)))
    func aborted() async throws {
        try await withEchoes(2) { nodes, _ in
            // More than a node answers at a time.
            try await withThrowingTaskGroup(of: Void.self) { tasks in
                for _ in 0..<4 {
                    tasks.addTask {
                        for _ in 0..<550 {
                            let client = try await EngineIOClient.open(nodes[0].port)
                            let poll = try await client.pending(nodes[1].port)
                            await poll.close()
                        }
                    }
                }
                try await tasks.waitForAll()
            }
            try await eventually(within: .seconds(90), "all sessions have ended") {
                try await nodes[0].metric("fanfare_connections") == 0
            }
            let forwarded = try await nodes[1].metric("fanfare_session_forwarded_total")
            #expect(forwarded >= 2_150, "polls came through the other node")
            let client = try await EngineIOClient.open(nodes[0].port)
            try await client.post(nodes[1].port, "4a")
            #expect(try await client.poll(nodes[1].port) == ["4a"])
        }
    }

    @Test("what is above one message between nodes comes in parts; a message above it ends the session, and counts")
    func big() async throws {
        try await withEchoes(2, ["--max-message-bytes", "1500000", "--max-queue-bytes", "8000000"]) { nodes, _ in
            let client = try await EngineIOClient.open(nodes[0].port)
            // The first two come in one answer on their own node.
            let texts = [
                "4" + String(repeating: "a", count: 60_000), "4" + String(repeating: "b", count: 1_020_000), "4c",
            ]
            for text in texts { #expect(try await client.post(nodes[0].port, text).status == 200) }
            var heard: [String] = []
            while heard.count < texts.count { heard += try await client.poll(nodes[1].port) }
            #expect(heard == texts)
            try await client.post(nodes[0].port, "4" + String(repeating: "d", count: 1_200_000))
            #expect(try await client.poll(nodes[1].port) == ["1"])
            #expect(try await client.answer(nodes[1].port).body.contains("Session ID unknown"))
            #expect(try await nodes[0].metric(#"fanfare_disconnects_total{code="1009"}"#) == 1)
        }
    }

    @Test("an upgrade on another node is refused with 503, and polling goes on; with its node a session ends")
    func elsewhere() async throws {
        try await withEchoes(2) { nodes, _ in
            let client = try await EngineIOClient.open(nodes[0].port)
            let refused = await #expect(throws: WebSocketClient.Refused.self) {
                _ = try await client.socket(nodes[1].port)
            }
            #expect(refused?.answer.status == 503)
            try await client.post(nodes[1].port, "4a")
            #expect(try await client.poll(nodes[1].port) == ["4a"])
            let waiting = try await client.pending(nodes[1].port)
            try await eventually("it waits") { try await nodes[0].metric("fanfare_engineio_waiting_polls") == 1 }
            await nodes[0].kill()
            let answer = try await waiting.nextAnswer()
            #expect(answer.status == 400 || answer.status == 503, "\(answer.status)")
            try await eventually("its node is not seen any more") {
                let answer = try await client.answer(nodes[1].port)
                return answer.status == 400 && answer.body.contains("Session ID unknown")
            }
            // It comes back where it finds a node.
            let again = try await EngineIOClient.open(nodes[1].port)
            try await again.post(nodes[1].port, "4b")
            #expect(try await again.poll(nodes[1].port) == ["4b"])
        }
    }
}
