import FanfareTestKit
import Foundation
import Testing

/// A client of Engine.IO that moves from polling to a WebSocket.
@Suite("Engine.IO: the upgrade")
struct EngineIOUpgradeTests {
    private func texts(_ numbers: Range<Int>) -> [String] { numbers.map { "4\($0)" } }

    @Test("what waits when a client moves comes on its WebSocket, in order, once, on whichever event loop it arrived")
    func order() async throws {
        try await order([], nil)
    }

    @Test("over TLS, which stays on the event loop that accepted it, the same, and nobody is refused for it")
    func orderOverTLS() async throws {
        let authority = try TestAuthority()
        try await order(try authority.issue("node", days: 1).flags, TLSClient(caFile: authority.caFile))
    }

    private func order(_ flags: [String], _ tls: TLSClient?) async throws {
        try await withEcho(["--loops", "3"] + flags) { node in
            for round in 0..<12 {
                let client = try await EngineIOClient.open(node.port, tls: tls)
                // More than one answer brings: the rest waits in pieces.
                let filler = String(repeating: "x", count: round % 2 == 0 ? 10 : 3_000)
                let sent = (0..<120).map { "4\($0)-\(filler)" }
                for start in stride(from: 0, to: 60, by: 20) {
                    let body = sent[start..<(start + 20)].joined(separator: EngineIOClient.separator)
                    #expect(try await client.post(node.port, body).status == 200)
                }
                var heard = try await client.poll(node.port)
                let socket = try await client.probed(node.port)
                for start in stride(from: 60, to: 100, by: 20) {
                    let body = sent[start..<(start + 20)].joined(separator: EngineIOClient.separator)
                    #expect(try await client.post(node.port, body).status == 200)
                }
                for packet in ["5"] + sent[100...] { socket.sendLater(packet) }
                while heard.count < sent.count { heard.append(try await socket.nextText()) }
                #expect(heard == sent, "round \(round)")
                await socket.close()
            }
            #expect(try await node.metric("fanfare_engineio_upgrades_total") == 12)
            try await eventually("nobody is left") { try await node.metric("fanfare_connections") == 0 }
            try await eventually("no socket is left") { try await node.metric("fanfare_pending_connections") <= 1 }
        }
    }

    @Test(
        "over TLS and across event loops a WebSocket ends with its session, and the session with its WebSocket, at once"
    )
    func endsOverTLS() async throws {
        let authority = try TestAuthority()
        let tls = try TLSClient(caFile: authority.caFile)
        let flags = try authority.issue("node", days: 1).flags
        try await withEcho(
            ["--loops", "3", "--max-message-bytes", "100000", "--ping-interval", "66s", "--pong-timeout", "8s"] + flags
        ) { node in
            // No missed pong ends anything here.
            for _ in 0..<8 {
                let client = try await EngineIOClient.open(node.port, tls: tls)
                let socket = try await client.probed(node.port)
                try await socket.send("5")
                // More than a socket's buffers: neither end may run ahead of the other.
                let text = "4" + String(repeating: "x", count: 99_000)
                for _ in 0..<40 { socket.sendLater(text) }
                for _ in 0..<40 { #expect(try await socket.nextText() == text) }
                try await socket.send("1")
                #expect(try await socket.closeCode() == 1000)
                await socket.close()
                let other = try await EngineIOClient.open(node.port, tls: tls)
                let gone = try await other.probed(node.port)
                try await gone.send("5")
                await gone.close()
            }
            try await eventually("nobody is left") { try await node.metric("fanfare_connections") == 0 }
            try await eventually("no socket is left") { try await node.metric("fanfare_pending_connections") <= 1 }
        }
    }

    @Test("from the probe to 5 every poll is answered with 6, also one that waits: no client hangs until the next ping")
    func noops() async throws {
        try await withEcho { node in
            let client = try await EngineIOClient.open(node.port)
            let waiting = try await client.pending(node.port)
            try await eventually("it waits") { try await node.metric("fanfare_engineio_waiting_polls") == 1 }
            let socket = try await client.probed(node.port)
            #expect(try await waiting.nextAnswer().body == "6")
            for _ in 0..<5 { #expect(try await client.poll(node.port) == ["6"]) }
            try await client.post(node.port, "4a")
            #expect(try await client.poll(node.port) == ["6"], "what the session says waits")
            try await socket.send("5")
            #expect(try await socket.nextText() == "4a")
            try await socket.send([7])
            #expect(try await socket.next() == .binary([7]))
            await waiting.close()
            await socket.close()
        }
    }

    @Test("after the upgrade requests get 400, another WebSocket is closed, and the session goes on")
    func afterwards() async throws {
        try await withEcho { node in
            let client = try await EngineIOClient.open(node.port)
            let socket = try await client.probed(node.port)
            let early = try await client.socket(node.port)
            #expect(try await early.closeCode() == 1000, "one is tried at a time")
            try await socket.send("5")
            try await eventually("it has moved") { try await node.metric("fanfare_engineio_upgrades_total") == 1 }
            for answer in [try await client.answer(node.port), try await client.post(node.port, "4a")] {
                #expect(answer.status == 400 && answer.body == #"{"code":3,"message":"Bad request"}"#)
            }
            // On whichever event loop they arrive.
            for _ in 0..<8 {
                let late = try await client.socket(node.port)
                #expect(try await late.closeCode() == 1000)
            }
            try await socket.send("4still here")
            #expect(try await socket.nextText() == "4still here")
            await socket.close()
            try await eventually("the session has ended") {
                try await client.answer(node.port).body.contains("Session ID unknown")
            }
        }
    }

    @Test("a wrong packet in place of 5, or a WebSocket that goes, leaves polling as it was, and another may be tried")
    func wrongPackets() async throws {
        try await withEcho { node in
            let client = try await EngineIOClient.open(node.port)
            for packet in ["4a", "3", "1", "abc", "2"] {
                let socket = try await client.probed(node.port)
                try await socket.send(packet)
                #expect(try await socket.closeCode() == 1000, "'\(packet)'")
            }
            let early = try await client.socket(node.port)
            try await early.send("5")
            #expect(try await early.closeCode() == 1000, "5 without a probe")
            let pinging = try await client.socket(node.port)
            try await pinging.sendFrame(opcode: 9, [])
            #expect(try await pinging.closeCode() == 1000, "a control frame is no probe")
            let gone = try await client.probed(node.port)
            await gone.close()
            try await client.post(node.port, "4kept")
            var packets = ["6"]
            try await eventually("polling goes on") {
                packets = try await client.poll(node.port)
                return packets != ["6"]
            }
            #expect(packets == ["4kept"])
            let socket = try await client.probed(node.port)
            try await socket.send("5")
            try await socket.send("4b")
            #expect(try await socket.nextText() == "4b")
            await socket.close()
        }
    }

    @Test(
        "a WebSocket that asks and never moves is closed after ten seconds, and pings wait for it",
        .timeLimit(.minutes(10)))
    func timeout() async throws {
        try await withEcho(["--ping-interval", "4800ms", "--pong-timeout", "4700ms"]) { node in
            let client = try await EngineIOClient.open(node.port)
            let start = ContinuousClock.now
            let socket = try await client.probed(node.port)
            let silent = try await EngineIOClient.open(node.port).socket(node.port)
            #expect(try await socket.closeCode() == 1000)
            #expect(ContinuousClock.now - start >= .seconds(10))
            // Its session never polled, and has ended by its pings.
            #expect(try await silent.closeCode() == 1000)
            // A ping was due all the time, and comes once.
            #expect(try await client.poll(node.port) == ["2"])
            try await client.post(node.port, "3", "4a")
            #expect(try await client.poll(node.port).last == "4a")
        }
    }
}
