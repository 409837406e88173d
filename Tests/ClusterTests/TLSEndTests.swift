import FanfareTestKit
import Foundation
import Testing

/// How connections end over TLS.
@Suite("Cluster: TLS, ends")
struct TLSEndTests {
    @Test("close codes arrive, and behind them a clean end of TLS")
    func closeCodes() async throws {
        try await withTLSNode(flags: ["--max-message-bytes", "1000"]) { server in
            let wrong: [(code: UInt16, send: (WebSocketClient) async throws -> Void)] = [
                (1009, { try await $0.send(String(repeating: "x", count: 1_001)) }),
                (1002, { try await $0.sendFrame(opcode: 1, [1], masked: false) }),
                (1002, { try await $0.sendFrame(opcode: 3, []) }),
                (1007, { try await $0.sendFrame(opcode: 1, [0xFF]) }),
                (1000, { try await $0.sendClose(1000) }),
            ]
            for (code, send) in wrong {
                let client = try await server.raw("a")
                try await send(client)
                #expect(try await client.closeCode() == code)
                #expect(try await client.next() == nil)
                #expect(client.socket.endedCleanly, "\(code)")
            }
            try await eventually("none is left") { try await server.node.metric("fanfare_connections") == 0 }
            let cut = try await server.node.metric(#"fanfare_disconnects_total{code="1006"}"#)
            #expect(cut == 0)
        }
    }

    @Test("a client that goes on sending after its mistake still gets to see the code")
    func stillSending() async throws {
        try await withTLSNode(flags: ["--max-message-bytes", "1000"]) { server in
            let client = try await server.raw("a")
            let text = String(repeating: "x", count: 500_000)
            for _ in 0..<8 { client.sendLater(text) }
            #expect(try await client.closeCode() == 1009)
            await client.close()
        }
    }

    @Test("a drain closes clients with 1012 and ends in time, also with clients that never answer")
    func drain() async throws {
        try await withTLSNode { server in
            var clients: [WebSocketClient] = []
            for _ in 0..<10 { clients.append(try await server.raw("a")) }
            let frozen = try await server.raw("a")
            try await frozen.socket.pauseReading()
            let silent = try await SocketClient.connect(server.node.port)
            server.node.terminate()
            for client in clients {
                #expect(try await client.closeCode() == 1012)
                try? await client.sendClose(1012)
            }
            #expect(try await server.node.waitForExit() == 0)
            for client in clients + [frozen] { await client.close() }
            await silent.close()
        }
    }

    @Test("a client that takes nothing is cut with 3008, costs bounded memory meanwhile, and leaves nothing behind")
    func slow() async throws {
        let flags = ["--max-queue-bytes", "1MiB", "--max-message-bytes", "1MiB"]
        try await withTLSNode(flags: flags) { server in
            let other = try await server.raw("flood")
            let files = try await server.node.metric("process_open_fds")
            let slow = try await server.raw("flood", receiveBuffer: 4_096)
            try await slow.socket.pauseReading()
            let text = String(repeating: "x", count: 60_000)
            let before = try await server.node.metric("process_resident_memory_bytes")
            var most = 0.0
            for number in 0..<400 {
                try await server.node.publish("flood", "\"\(text)\"")
                #expect(try await other.nextText().count == text.count + 2)
                if number % 20 == 0 { most = max(most, try await server.node.metric("fanfare_queue_bytes")) }
            }
            try await eventually("the slow one is cut") {
                try await server.node.metric(#"fanfare_disconnects_total{code="3008"}"#) == 1
            }
            let after = try await server.node.metric("process_resident_memory_bytes")
            // Of the 24 MB that it did not take.
            #expect(most <= 1_200_000 && after - before < 12_000_000, "\(most) \(after - before)")
            try await eventually("nothing of it is left") {
                let queued = try await server.node.metric("fanfare_queue_bytes")
                let open = try await server.node.metric("process_open_fds")
                return queued == 0 && open <= files
            }
            try await other.send("fine")
            #expect(try await other.nextText() == "fine")
            for client in [slow, other] { await client.close() }
        }
    }

    @Test("a slow client that comes back in time loses nothing")
    func catchesUp() async throws {
        try await withTLSNode(flags: ["--max-queue-bytes", "16MiB", "--slow-timeout", "10m"]) { server in
            let slow = try await server.raw("flood", receiveBuffer: 4_096)
            try await slow.socket.pauseReading()
            let text = String(repeating: "x", count: 60_000)
            for number in 0..<150 { try await server.node.publish("flood", "\"\(number) \(text)\"") }
            try await eventually("something waits") { try await server.node.metric("fanfare_queue_bytes") > 100_000 }
            try await slow.socket.resumeReading()
            for number in 0..<150 { #expect(try await slow.nextText().hasPrefix("\"\(number) ")) }
            try await eventually("nothing waits") { try await server.node.metric("fanfare_queue_bytes") == 0 }
            await slow.close()
        }
    }

    @Test("a big message leaves no big buffers behind at those who got it")
    func memory() async throws {
        let flags = ["--max-message-bytes", "1MiB", "--max-queue-bytes", "4MiB"]
        try await withTLSNode(flags: flags) { server in
            var clients: [WebSocketClient] = []
            for _ in 0..<60 { clients.append(try await server.raw("a")) }
            let before = try await server.node.metric("process_resident_memory_bytes")
            let text = String(repeating: "x", count: 1_000_000)
            try await clients[0].send(text)
            for client in clients { #expect(try await client.nextText().count == text.count) }
            let after = try await server.node.metric("process_resident_memory_bytes")
            // A megabyte or two for each of them would be 60 to 120.
            #expect(after - before < 30_000_000, "\(after - before)")
            for client in clients { await client.close() }
        }
    }

    @Test("clients that vanish without a word are cleared away")
    func vanish() async throws {
        try await withTLSNode { server in
            var clients: [WebSocketClient] = []
            for _ in 0..<20 { clients.append(try await server.raw("a")) }
            for client in clients { await client.socket.reset() }
            try await eventually("none is left") { try await server.node.metric("fanfare_connections") == 0 }
            let lost = try await server.node.metric(#"fanfare_disconnects_total{code="1006"}"#)
            #expect(lost == 20)
        }
    }
}
