import FanfareTestKit
import FanfareWire
import NIOCore
import Testing

/// permessage-deflate on a real node. What third-party clients make of it is in ConformanceTests.
@Suite("Cluster: compression", .serialized)
struct CompressionTests {
    private static let hello: [UInt8] = [0xF2, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00]

    private func open(_ node: Node, _ offer: String = "permessage-deflate") async throws -> WebSocketClient {
        try await WebSocketClient.connect(
            node.port, "/channels/c/ws", headers: ["Sec-WebSocket-Extensions": offer])
    }

    /// The next frame: its first byte and its payload.
    private func frame(_ client: WebSocketClient) async throws -> (first: UInt8, payload: [UInt8]) {
        let frame = try await client.socket.receive("a frame") { bytes -> (UInt8, [UInt8])? in
            let first = bytes.getInteger(at: bytes.readerIndex, as: UInt8.self)
            return WebSocketClient.takeFrame(&bytes).map { (first ?? 0, Array($0.payload.readableBytesView)) }
        }
        return try #require(frame)
    }

    @Test("off by default: an offer is passed over and RSV1 is a protocol error")
    func off() async throws {
        try await withNode { node in
            let client = try await open(node)
            #expect(client.answer["sec-websocket-extensions"] == nil)
            try await client.sendFrame(reserved: 4, opcode: 1, Self.hello)
            #expect(try await client.closeCode() == 1002)
        }
    }

    @Test("on: compressed comes in, the same compressed frame goes to all who take it and plain to the others")
    func on() async throws {
        try await withNode(flags: ["--compression", "on", "--compression-threshold", "100"]) { node in
            let clients = [try await open(node), try await open(node)]
            let plain = try await node.raw("c")
            let narrow = try await open(node, "permessage-deflate; server_max_window_bits=9")
            #expect(
                clients[0].answer["sec-websocket-extensions"]
                    == "permessage-deflate; server_no_context_takeover; client_no_context_takeover")
            #expect(plain.answer["sec-websocket-extensions"] == nil)
            try await clients[0].sendFrame(reserved: 4, opcode: 1, Self.hello)
            for client in clients + [plain, narrow] { #expect(try await client.nextText() == "Hello") }
            let long = String(repeating: "to be or not to be ", count: 40)
            try await plain.send(long)
            let frames = [try await frame(clients[0]), try await frame(clients[1])]
            #expect(frames[0].first == 0xC1 && frames[0].payload.count < 100)
            #expect(frames[0].payload == frames[1].payload)
            #expect(try await plain.nextText() == long)
            #expect(try await narrow.nextText() == long)
            // The compressed bytes, sent back, are the text again.
            try await narrow.sendFrame(reserved: 4, opcode: 1, frames[0].payload)
            #expect(try await plain.nextText() == long)
            #expect(try await node.metric("fanfare_received_compressed_bytes_total") < 100)
            #expect(try await node.metric("fanfare_received_inflated_bytes_total") == Double(long.count + 5))
            let (before, after) = (
                try await node.metric("fanfare_deflate_input_bytes_total"),
                try await node.metric("fanfare_deflate_output_bytes_total")
            )
            #expect(before > 1_000 && before < 3_000 && after < before / 5, "once, whatever the subscribers and loops")
        }
    }

    @Test("a bomb ends its sender with 1009, costs no memory, and the neighbour hears everything")
    func bomb() async throws {
        try await withNode(flags: ["--compression", "on"]) { node in
            let neighbour = try await node.raw("n")
            // 12 MB of zeros are 52 KB: less than a message may have as it comes.
            let zeros = WebSocketFrame.encode(.binary, payload: ByteBuffer(repeating: 0, count: 12_000_000))
            var bomb = WebSocketFrame.deflated(zeros, threshold: 1)
            #expect(bomb.readableBytes < 60_000)
            bomb.moveReaderIndex(forwardBy: 4)
            let payload = Array(bomb.readableBytesView)
            let before = try await node.metric("process_resident_memory_bytes")
            for round in 0..<10 {
                let client = try await open(node)
                try await client.sendFrame(reserved: 4, opcode: 2, payload)
                #expect(try await client.closeCode() == 1009)
                try await neighbour.send("\(round)")
                #expect(try await neighbour.nextText() == "\(round)")
            }
            #expect(try await node.metric("process_resident_memory_bytes") < before + 10_000_000)
            #expect(try await node.metric(#"fanfare_disconnects_total{code="1009"}"#) == 10)
        }
    }

    @Test("RSV1 on a ping or a continuation ends with 1002, a broken stream with 1007, a malformed offer gets 400")
    func violations() async throws {
        try await withNode(flags: ["--compression", "on"]) { node in
            let ping = try await open(node)
            try await ping.sendFrame(reserved: 4, opcode: 9, [])
            #expect(try await ping.closeCode() == 1002)
            let pieces = try await open(node)
            try await pieces.sendFrame(final: false, reserved: 4, opcode: 1, Self.hello)
            try await pieces.sendFrame(reserved: 4, opcode: 0, [])
            #expect(try await pieces.closeCode() == 1002)
            let broken = try await open(node)
            try await broken.sendFrame(reserved: 4, opcode: 1, [0x07])
            #expect(try await broken.closeCode() == 1007)
            await #expect(throws: WebSocketClient.Refused.self) { try await open(node, "permessage-deflate; =") }
        }
    }
}
