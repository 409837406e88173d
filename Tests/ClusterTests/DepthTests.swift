import FanfareTestKit
import Testing

@Suite("Cluster: JSON that is nested too deep")
struct DepthTests {
    private func nested(_ levels: Int) -> String {
        String(repeating: "[", count: levels) + String(repeating: "]", count: levels)
    }

    @Test("64 levels are handed on as they came by every way in, 65 by none, and nothing becomes a string")
    func everyWayIn() async throws {
        try await withNode { node in
            let reader = try await node.centrifuge()
            _ = try await reader.subscribe("c")
            let writer = try await node.centrifuge()
            let raw = try await node.raw("c")
            let (good, deep) = (nested(64), nested(65))
            // The limit itself, by all ways.
            #expect(try await writer.publish("c", good).errorCode == nil)
            #expect(try await HTTP.post(node.port, "/channels/c", good).status == 200)
            #expect(try await node.publish("c", good).status == 200)
            try await raw.send(good)
            for _ in 0..<4 {
                let heard = try await reader.nextPublication()
                #expect(heard.data == good)
            }
            // One more, by all ways.
            let refused = try await writer.publish("c", deep)
            #expect(refused.errorCode == 107 && refused.text.contains("nested deeper than 64"), "\(refused.text)")
            let post = try await HTTP.post(node.port, "/channels/c", deep)
            #expect(post.status == 400 && post.body.contains("nested deeper than 64"), "\(post.body)")
            let api = try await node.publish("c", deep)
            #expect(api.status == 400 && api.body.contains("nested deeper than 64"), "\(api.body)")
            let broadcast = try await HTTP.post(
                node.adminPort, "/api/broadcast", #"{"channels":["c"],"data":\#(deep)}"#)
            #expect(broadcast.status == 400)
            try await raw.send(deep)
            let code = try await raw.closeCode()
            #expect(code == 3501)
            // Text that is not JSON has no depth, and the client with the deep command is still there.
            #expect(try await HTTP.post(node.port, "/channels/c", deep + "]").status == 200)
            let text = try await reader.nextPublication()
            #expect(text.data == "\"\(deep)]\"")
            let pong = try await writer.command(#""ping":{}"#)
            #expect(pong.errorCode == nil)
            await reader.close()
            await writer.close()
        }
    }
}
