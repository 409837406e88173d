import FanfareTestKit
import Foundation
import Testing

/// Answers that are so big that clients share their publications (D129), on everything that carries the Centrifuge protocol.
@Suite("Cluster: big recoveries", .serialized)
struct BigRecoveryTests {
    /// How a client comes, says a command and hears messages.
    struct Carrier: Sendable, CustomStringConvertible {
        let description: String
        /// Gives the reply to a `subscribe` that follows a `connect`.
        let ask: @Sendable (_ node: Node, _ subscribe: String) async throws -> String

        init(_ description: String, _ ask: @escaping @Sendable (Node, String) async throws -> String) {
            (self.description, self.ask) = (description, ask)
        }
    }

    private static let connect = #"{"id":1,"connect":{}}"#

    static let carriers: [Carrier] =
        [
            Carrier("WebSocket") { node, subscribe in
                let client = try await node.centrifuge()
                let reply = try await client.command(subscribe)
                await client.close()
                return reply.text
            },
            Carrier("SockJS on a WebSocket") { node, subscribe in
                let path = SockJSClient(node.port, "centrifuge").path
                let socket = try await WebSocketClient.connect(node.port, path + "/websocket")
                #expect(try await socket.nextText() == "o")
                try await socket.send(JSONText.array([connect]))
                _ = try SockJSClient.messages(of: try await socket.nextText())
                try await socket.send(JSONText.array(["{\"id\":2,\(subscribe)}"]))
                let messages = try SockJSClient.messages(of: try await socket.nextText())
                await socket.close()
                return messages[0]
            },
            Carrier("SockJS by polling") { node, subscribe in
                let client = SockJSClient(node.port, "centrifuge")
                try await client.open()
                #expect(try await client.send([connect]) == 204)
                _ = try await client.messages(1)
                #expect(try await client.send(["{\"id\":2,\(subscribe)}"]) == 204)
                return try await client.messages(1)[0]
            },
        ] + ["xhr_streaming", "eventsource", "htmlfile"].map(streaming)
        + EmulatedClient.Form.allCases.map { form in
            Carrier("emulation, \(form)") { node, subscribe in
                let client = try await EmulatedClient.connect(node.port, form)
                let reply = try await client.command(subscribe, through: node.port)
                await client.close()
                return reply.text
            }
        }

    /// An answer of SockJS that goes on, whose frames stand in what its page wants.
    private static func streaming(_ transport: String) -> Carrier {
        Carrier("SockJS by \(transport)") { node, subscribe in
            let client = SockJSClient(node.port, "centrifuge")
            let stream = try await client.stream(transport, transport == "htmlfile" ? "?c=f" : "")
            @Sendable func message() async throws -> String {
                while true {
                    var frame = try await stream.chunk()
                    switch transport {
                    case "eventsource": frame = frame.replacing("data: ", with: "").replacing("\r\n", with: "")
                    case "htmlfile":
                        guard frame.hasPrefix("<script>\np(\"") else { continue }
                        frame = try JSONText.strings("[" + frame.dropFirst(11).prefix { $0 != ")" } + "]")[0]
                    default: frame = frame.trimmingCharacters(in: .newlines)
                    }
                    if frame.hasPrefix("a") { return try SockJSClient.messages(of: frame)[0] }
                }
            }
            _ = try await stream.chunk()
            #expect(try await client.send([connect]) == 204)
            _ = try await message()
            #expect(try await client.send(["{\"id\":2,\(subscribe)}"]) == 204)
            let reply = try await message()
            await stream.close()
            return reply
        }
    }

    @Test("what was missed comes whole and in the carrier's own frames, little as well as much", arguments: carriers)
    func whole(carrier: Carrier) async throws {
        try await withNode(flags: ["--namespaces", "h: history=100/10m recovery"]) { node in
            for (channel, size) in [("h:little", 10), ("h:much", 1_000)] {
                let text = String(repeating: "x", count: size)
                let first = try await node.centrifuge()
                let place = try await first.subscribe(channel, recovering: nil)
                await first.close()
                for _ in 0..<40 { try await node.publish(channel, "\"\(text)\"") }
                let position = "\"recover\":true,\"offset\":0,\"epoch\":\"\(place.epoch)\""
                let reply = try await carrier.ask(node, "\"subscribe\":{\"channel\":\"\(channel)\",\(position)}")
                let object = try JSONSerialization.jsonObject(with: Data(reply.utf8)) as? [String: Any]
                let result = try #require(object?["subscribe"] as? [String: Any], "\(reply.prefix(200))")
                let publications = try #require(result["publications"] as? [[String: Any]])
                #expect(publications.map { $0["data"] as? String } == [String](repeating: text, count: 40))
                #expect(publications.map { $0["offset"] as? Int } == Array(1...40))
                #expect(result["recovered"] as? Bool == true)
            }
        }
    }
}
