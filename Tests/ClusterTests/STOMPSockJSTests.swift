import FanfareTestKit
import Foundation
import Testing

@Suite("Cluster: STOMP within SockJS")
struct STOMPSockJSTests {
    private static let flags = ["--namespaces", "chat: history=50/10m recovery; *: publish=clients"]

    /// What an answer that goes on brings, message by message; a session with one does not end for want of a poll.
    private final class Reader {
        private let stream: SockJSStream
        private var text = ""
        private var messages: [String] = []

        init(_ stream: SockJSStream) { self.stream = stream }

        /// The next message, or another frame as it is: no sign of life.
        func next() async throws -> String {
            while messages.isEmpty {
                guard let end = text.firstIndex(of: "\n") else {
                    text += try await stream.chunk()
                    continue
                }
                let frame = String(text[..<end])
                text = String(text[text.index(after: end)...])
                if frame.hasPrefix("h") { continue }
                messages = frame.hasPrefix("a") ? try JSONText.strings(String(frame.dropFirst())) : [frame]
            }
            return messages.removeFirst()
        }

        func close() async { await stream.close() }
    }

    /// Frames as a client of SockJS has them, with `^` for NUL; messages' numbers left out.
    private static func frames(_ messages: [String]) -> [String] {
        messages.map { text in
            text.replacing("\0", with: "^").split(separator: "\n", omittingEmptySubsequences: false)
                .filter { !$0.hasPrefix("message-id:") }.joined(separator: "\n")
        }
    }

    private static let connect = "CONNECT\naccept-version:1.2\n\n\0"
    private static let subscribe = "SUBSCRIBE\nid:\"0\\c<\ndestination:/topic/é\n"

    @Test("over HTTP on two nodes: frames in pieces, messages, bytes in Base64, and the end")
    func polling() async throws {
        try await withRedis { redis in
            try await withNode("one", redis: redis.url, flags: Self.flags) { one in
                try await withNode("two", redis: redis.url, flags: Self.flags) { two in
                    try await eventually("both are in view") {
                        let counts = [try await one.metric("fanfare_nodes"), try await two.metric("fanfare_nodes")]
                        return counts == [2, 2]
                    }
                    let client = SockJSClient(one.port, "stomp")
                    let reader = Reader(try await client.stream())
                    #expect(try await reader.next() == "o")
                    #expect(try await client.send([Self.connect]) == 204)
                    #expect(try await reader.next().hasPrefix("CONNECTED\nversion:1.2\n"))
                    try await eventually("the session is found") { try await client.through(two.port).send([]) == 204 }
                    // Cut anywhere, by a request that another node gets, too.
                    #expect(try await client.send([Self.subscribe, "receipt:s\n"]) == 204)
                    #expect(try await client.through(two.port).send(["\n\0\n"]) == 204)
                    #expect(try await reader.next() == "RECEIPT\nreceipt-id:s\n\n\0")
                    let writer = try await STOMPClient.connect(two.port)
                    try await writer.send("SEND\ndestination:é\nk:v\n\n\"hi\"\n^")
                    try await writer.send("SEND\ndestination:é\ncontent-type:image/png\n\nabcd^")
                    #expect(
                        Self.frames([try await reader.next(), try await reader.next()]) == [
                            "MESSAGE\nsubscription:\"0\\c<\ncontent-length:5\ndestination:/topic/é\nk:v\n\n\"hi\"\n^",
                            "MESSAGE\nsubscription:\"0\\c<\ncontent-length:8\ndestination:/topic/é\ncontent-type:image/png\ncontent-transfer-encoding:base64\n\nYWJjZA==^",
                        ])
                    #expect(try await client.send(["DISCONNECT\nreceipt:d\n\n\0"]) == 204)
                    #expect(try await reader.next() == "RECEIPT\nreceipt-id:d\n\n\0")
                    #expect(try await reader.next().hasPrefix("c[1000,"))
                    await reader.close()
                    await writer.close()
                }
            }
        }
    }

    @Test("over a WebSocket: acknowledgements and what was missed, too")
    func webSocket() async throws {
        try await withNode("one", flags: Self.flags) { node in
            let socket = try await WebSocketClient.connect(node.port, "/sockjs/stomp/0/0/websocket")
            func next() async throws -> [String] {
                while let message = try await socket.next() {
                    guard case .text(let text) = message, text != "o", text != "h" else { continue }
                    return text.hasPrefix("a") ? Self.frames(try JSONText.strings(String(text.dropFirst()))) : [text]
                }
                return []
            }
            try await socket.send(JSONText.array([Self.connect]))
            #expect(try await next().first?.hasPrefix("CONNECTED\n") == true)
            for number in 1...3 { _ = try await node.publish("chat:1", "\(number)") }
            let history = try await HTTP.post(node.adminPort, "/api/history", #"{"channel":"chat:1"}"#).body
            let epoch = history.split(separator: #""epoch":""#).last?.prefix { $0 != "\"" } ?? ""
            try await socket.send(
                JSONText.array([
                    "SUBSCRIBE\nid:0\ndestination:chat\\c1\nack:client\nsince:1.\(epoch)\n\n\0"
                ]))
            #expect(try await next().first?.hasSuffix("\n\n2^") == true)
            #expect(try await next().first?.hasSuffix("\n\n3^") == true)
            _ = try await node.publish("chat:1", "4")
            let live = try await next().first ?? ""
            #expect(live.contains("\nack:") && live.hasSuffix("\n\n4^"))
            try await socket.send(JSONText.array(["NACK\nid:1-3\n\n\0"]))
            for _ in 2...4 { #expect(try await next().first?.contains("\nredelivered:1\n") == true) }
            try await socket.send(JSONText.array(["SEND\n\n\0"]))
            #expect(try await next().first?.hasPrefix("ERROR\n") == true)
            #expect(try await next().first?.hasPrefix("c[3501,") == true)
            await socket.close()
        }
    }

    @Test("the bare WebSocket below the place is as /stomp, subprotocol and all")
    func bare() async throws {
        try await withNode("one", flags: Self.flags) { node in
            let socket = try await WebSocketClient.connect(
                node.port, "/sockjs/stomp/websocket", headers: ["Sec-WebSocket-Protocol": "v10.stomp, v11.stomp"])
            #expect(socket.answer["sec-websocket-protocol"] == "v11.stomp")
            let client = STOMPClient(socket: socket)
            try await client.send("CONNECT\naccept-version:1.2\n\n^")
            #expect(try await client.next().hasPrefix("CONNECTED\nversion:1.2\n"))
            _ = try await client.subscribe("a")
            try await client.send("SEND\ndestination:a\ncontent-type:image/png\n\nx^")
            #expect(try await client.next().hasPrefix("binary MESSAGE\n"))
            await client.close()
        }
    }
}
